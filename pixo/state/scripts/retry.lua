-- ARGV: number of this client retry. Finished tiles are kept.
if not status then return 0 end
if status ~= 'failed' and status ~= 'cancelled' then
  return LIVE[status] and redis.call('HGET', job, 'r') == ARGV[1] and 1 or 0
end
local t = now()
-- First what a full server refuses, so that it refuses all of it.
gen = int(math.max(gen + 1, t))
set('gen', gen, 'r', ARGV[1], 'reopens', 0)
local dead = redis.call('HGET', job, 'dead')
if dead then redis.call('HDEL', tiles, dead) end
redis.call('DEL', out, todo, tries, again)
redis.call('HDEL', job, 'started', 'finished', 'deadline', 'error', 'dead', 'join_token', 'join_until', 'join_deaths')
for _, key in ipairs({job, tiles, events}) do redis.call('PERSIST', key) end
enter('queued', t)
return 1
