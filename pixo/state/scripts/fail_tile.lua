-- ARGV: gen, tile, reason. 1: the job of this generation is failed.
if status == 'failed' and gen == ARGV[1] then return 1 end
if guard(ARGV[1]) then return 0 end
local n = ARGV[2]
if redis.call('HSETNX', tiles, n, 'dead|' .. ARGV[3]) == 0 then return 0 end
note('tile', 'tile', n, 'state', 'dead', 'done', redis.call('HLEN', tiles) - 1)
finish('failed', now(), 'error', ARGV[3], 'dead', n)
return 1
