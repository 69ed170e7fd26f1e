-- ARGV: gen, token, most reopens, tile, ... The joiner found pieces missing or broken: they are made again.
local no = guard(ARGV[1])
if no then return answer(no) end
if status ~= 'stitching' or redis.call('HGET', job, 'join_token') ~= ARGV[2] then return answer('stale') end
local t = now()
set('join_token', '', 'join_until', 0)
if redis.call('HINCRBY', job, 'reopens', 1) > tonumber(ARGV[3]) then
  finish('failed', t, 'error', 'finished tiles were repeatedly lost from the store')
  return answer('failed')
end
local names = redis.call('HKEYS', todo)
if #names == 0 then names = {'0'} end
for i = 4, #ARGV do
  redis.call('HDEL', tiles, ARGV[i])
  give(tonumber(ARGV[i]), tonumber(names[(i - 4) % #names + 1]), ARGV[i] + 1, t)
end
enter('processing', t)
return answer('ok')
