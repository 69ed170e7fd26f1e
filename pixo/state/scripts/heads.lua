-- KEYS: waiting. ARGV: count. The first so many of each class, best first, as id, class (1 bulk), ...
local count, found, seen = tonumber(ARGV[1]), {}, {0, 0}
local from, step = 0, 4 * count
while true do
  local flat = redis.call('ZRANGE', KEYS[1], from, from + step - 1, 'WITHSCORES')
  for i = 1, #flat, 2 do
    local class = tonumber(flat[i + 1]) % 1 > 0 and 1 or 0
    if seen[class + 1] < count then
      seen[class + 1] = seen[class + 1] + 1
      found[#found + 1], found[#found + 2] = flat[i], class
    end
  end
  if #flat < 2 * step or (seen[1] >= count and seen[2] >= count) then return found end
  from = from + step
end
