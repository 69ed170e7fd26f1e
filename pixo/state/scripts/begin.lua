-- ARGV: gen, tile, token. An attempt is counted before the work, so a tile that kills its worker is known.
-- tries[n] = "attempts ever|open,open". The same token again is the same attempt.
-- 'again' when another attempt is open: its worker may have ended over this tile, or over the one beside it.
if guard(ARGV[1]) or status ~= 'processing' then return 'skip' end
local n, token = ARGV[2], ARGV[3]
if redis.call('HEXISTS', tiles, n) == 1 then return 'skip' end
local ever, open = string.match(redis.call('HGET', tries, n) or '0|', '(%d+)|(.*)')
local others, mine = 0, false
for one in string.gmatch(open, '[^,]+') do
  if one == token then mine = true else others = others + 1 end
end
if not mine then
  if others >= 3 then return 'dead' end
  redis.call('HSET', tries, n, (ever + 1) .. '|' .. (others > 0 and open .. ',' or '') .. token)
end
return others > 0 and 'again' or 'go'
