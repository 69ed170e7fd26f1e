-- ARGV: gen, tile, lane, record. Counts the tile once, whoever reports it and however often.
local no = guard(ARGV[1])
if no then return answer(no) end
if status == 'stitching' then return answer('join') end
local n = ARGV[2]
local ever = string.match(redis.call('HGET', tries, n) or '1|', '(%d+)|')
if redis.call('HSETNX', tiles, n, ARGV[4] .. '|' .. ever) == 0 then return answer('dup') end
local t = now()
local score = redis.call('ZSCORE', out, n)
local p = score and math.floor(score / LANE) or tonumber(ARGV[3])
redis.call('ZREM', out, n)
redis.call('HDEL', again, n)
redis.call('HDEL', tries, n)
set('updated', int(t))
note('tile', 'tile', n, 'state', 'done', 'done', redis.call('HLEN', tiles))
-- Redis may have lost the start of the job: the piece counts, `start` finds it there.
if status == 'queued' then return answer('ok') end
if complete_if_all(t) then return answer('join') end
load_runs()
take(p, true, t)
return answer('ok')
