-- ARGV: token, lease in ms. Nil, or gen, plan and the tiles' records.
if guard() or status ~= 'stitching' then return nil end
local t = now()
local lease = redis.call('HMGET', job, 'join_token', 'join_until')
if lease[1] ~= ARGV[1] and tonumber(lease[2] or 0) >= t then return nil end
set('join_token', ARGV[1], 'join_until', int(t + ARGV[2]))
return {gen, redis.call('HGET', job, 'plan'), redis.call('HGETALL', tiles)}
