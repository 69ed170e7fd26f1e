-- ARGV: gen ('' for any), ms without any worker, safe time of results, margin, ceiling, safe times of partitions 0, 1, ...
-- Republishes what was lost, refills lanes, ends the hopeless; tells the reconciler where the job stands.
local no = guard(ARGV[1] ~= '' and ARGV[1] or nil)
if no then return answer(no) end
if status == 'queued' then return answer('queued') end
local t, idle = now(), tonumber(ARGV[2])
local deadline = tonumber(redis.call('HGET', job, 'deadline') or t) + idle
if idle > 0 then set('deadline', int(deadline)) end
if t > deadline then
  finish('failed', t, 'error', 'the job was not finished before its deadline')
  return answer('failed')
end
if status == 'stitching' then
  return answer(leased(t, redis.call('HGET', job, 'join_until')) and 'stitching' or 'join')
end
if complete_if_all(t) then return answer('join') end
load_runs()
local results, margin, ceiling, partitions = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), #ARGV - 5
local flat = redis.call('ZRANGE', out, 0, -1, 'WITHSCORES')
-- Where the clock was set back, what was given out in times to come counts as given out now: its time would not pass
-- before the clock has caught up.
if t < base then
  base = t
  set('base', int(t))
end
local lost = {}
for i = 1, #flat, 2 do
  local score = tonumber(flat[i + 1])
  local p = math.floor(score / LANE)
  local at = base + score - p * LANE
  local safe = partitions > 0 and tonumber(ARGV[6 + p % partitions]) or 0
  if at > t then
    redis.call('ZADD', out, int(p * LANE + t - base), flat[i])
    at = t
  end
  local passed = at < safe - margin and at < results - margin
  if passed or t - at > ceiling * 2 ^ tonumber(redis.call('HGET', again, flat[i]) or 0) then
    lost[#lost + 1] = {tonumber(flat[i]), p}
  end
end
table.sort(lost, function(x, y) return x[1] < y[1] end)
for _, one in ipairs(lost) do
  local n, p = one[1], one[2]
  redis.call('HINCRBY', again, n, 1)
  local run = runs[p]
  give(n, p, run and run[1] > n and run[2] or n + 1, t)
end
local names = {}
for p in pairs(runs) do names[#names + 1] = p end
table.sort(names)
for _, p in ipairs(names) do take(p, true, t) end
return answer('ok')
