-- ARGV: field, value, ... of the job, `status` among them. The only script that makes a job.
if status then return 0 end
local t = now()
set(unpack(ARGV))
head = redis.call('HMGET', job, 'status', 'total')
total = tonumber(head[2])
set('gen', int(t), 'base', int(t), 'updated', int(t), 'reopens', 0)
if LIVE[head[1]] then
  note('status', 'status', head[1])
else
  -- Restored: it ended when its record says, and its images are kept from then on.
  finish(head[1], t, 'finished', redis.call('HGET', job, 'finished') or int(t))
end
return 1
