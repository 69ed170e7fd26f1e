-- ARGV: lane, first, end, ... the runs.
local no = guard()
if no then return answer(no) end
if status == 'stitching' then return answer('join') end
if status == 'processing' then return answer('ok') end
local t = now()
local deadline = t + tonumber(redis.call('HGET', job, 'patience'))
set('started', int(t), 'deadline', int(deadline))
enter('processing', t)
redis.call('DEL', todo, out)
for i = 1, #ARGV, 3 do redis.call('HSET', todo, ARGV[i], ARGV[i + 1] .. '-' .. ARGV[i + 2]) end
load_runs()
if complete_if_all(t) then return answer('join') end
for i = 1, #ARGV, 3 do take(tonumber(ARGV[i]), false, t) end
return answer('ok')
