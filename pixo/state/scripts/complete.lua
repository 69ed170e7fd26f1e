-- ARGV: gen, tile, lane, record; final, sha, size where the only tile's piece is the final image. Counts the tile
-- once, whoever reports it and however often.
local final = ARGV[5]
-- Told again, since the answer or what was to follow it was lost.
if final and status == 'done' and redis.call('HGET', job, 'final') == final then return answer('done') end
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
if final then
  finish('done', t, 'final', final, 'sha', ARGV[6], 'size', ARGV[7])
  return answer('done')
end
if complete_if_all(t) then return answer('join') end
load_runs()
take(p, true, t)
return answer('ok')
