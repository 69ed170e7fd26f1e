-- ARGV: token, most deaths, 1 if nothing else is joined beside it. Nil; 'alone': to be asked for again so; or gen, plan
-- and the tiles' records. A lease that ran out was that of a process that died, perhaps of this job.
if guard() or status ~= 'stitching' then return nil end
local t = now()
local lease = redis.call('HMGET', job, 'join_token', 'join_until', 'join_deaths')
local another = lease[1] and lease[1] ~= '' and lease[1] ~= ARGV[1]
if another and leased(t, lease[2]) then return nil end
local deaths = tonumber(lease[3] or 0) + (another and 1 or 0)
if deaths > tonumber(ARGV[2]) then
  finish('failed', t, 'error', 'the tiles could not be joined: ' .. deaths .. ' processes died trying', 'join_deaths', deaths)
  return nil
end
if deaths > 0 and ARGV[3] ~= '1' then return 'alone' end
set('join_token', ARGV[1], 'join_until', int(t + LEASE), 'join_deaths', deaths)
return {gen, redis.call('HGET', job, 'plan'), redis.call('HGETALL', tiles)}
