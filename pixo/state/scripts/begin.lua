-- ARGV: gen, tile, token. An attempt is counted before the work, so a tile that kills its worker is known.
-- tries[n] = "attempts ever|open,open". The same token again is the same attempt.
if guard(ARGV[1]) or status ~= 'processing' then return 'skip' end
local n, token = ARGV[2], ARGV[3]
if redis.call('HEXISTS', tiles, n) == 1 then return 'skip' end
local ever, open = string.match(redis.call('HGET', tries, n) or '0|', '(%d+)|(.*)')
local count = 0
for one in string.gmatch(open, '[^,]+') do
  if one == token then return 'go' end
  count = count + 1
end
if count >= 3 then return 'dead' end
redis.call('HSET', tries, n, (ever + 1) .. '|' .. (count > 0 and open .. ',' or '') .. token)
return 'go'
