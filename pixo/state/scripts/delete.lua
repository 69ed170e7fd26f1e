-- A tombstone stays; the events stay a moment for those who wait on them.
if not status then return 0 end
if status == 'deleted' then return 1 end
local r = redis.call('HGET', job, 'r')
redis.call('DEL', job, todo, out, again, tiles, tries)
set('status', 'deleted', 'gen', int(math.max(gen + 1, now())), 'r', r)
redis.call('PEXPIRE', job, TOMBSTONE)
note('done', 'status', 'deleted')
redis.call('PEXPIRE', events, 60000)
return 1
