-- ARGV: token. A joiner that lives gives its lease up; a death would leave it to run out.
if guard() or status ~= 'stitching' or redis.call('HGET', job, 'join_token') ~= ARGV[1] then return 0 end
set('join_token', '', 'join_until', 0)
return 1
