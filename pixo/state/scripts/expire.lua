-- The images of an ended job go; what it was remains readable for a while.
if status == 'expired' then return 1 end
if not status or LIVE[status] or status == 'deleted' then return 0 end
redis.call('DEL', todo, out, again, tiles, tries)
set('status', 'expired')
redis.call('PEXPIRE', job, TOMBSTONE)
note('done', 'status', 'expired')
redis.call('PEXPIRE', events, 60000)
return 1
