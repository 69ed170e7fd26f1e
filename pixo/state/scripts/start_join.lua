-- ARGV: token. Nil, or gen, plan and the tiles' records.
if guard() or status ~= 'stitching' then return nil end
local t = now()
local lease = redis.call('HMGET', job, 'join_token', 'join_until')
if lease[1] ~= ARGV[1] and leased(t, lease[2]) then return nil end
set('join_token', ARGV[1], 'join_until', int(t + LEASE))
return {gen, redis.call('HGET', job, 'plan'), redis.call('HGETALL', tiles)}
