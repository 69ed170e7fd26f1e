-- ARGV: gen, tile, token. The attempt ended well, or the worker stops: it does not count.
if guard(ARGV[1]) then return 0 end
local record = redis.call('HGET', tries, ARGV[2])
if not record then return 0 end
local ever, open = string.match(record, '(%d+)|(.*)')
local others = {}
for one in string.gmatch(open, '[^,]+') do
  if one ~= ARGV[3] then others[#others + 1] = one end
end
redis.call('HSET', tries, ARGV[2], ever .. '|' .. table.concat(others, ','))
return 1
