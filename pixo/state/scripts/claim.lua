-- KEYS: active. ARGV: id, class (0 small, 1 bulk), limit, reserve.
local active, id, class, limit, reserve = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
if redis.call('ZSCORE', active, id) then return 1 end
if redis.call('ZCARD', active) >= limit then return 0 end
if class == '1' and redis.call('ZCOUNT', active, 1, 1) >= limit - reserve then return 0 end
redis.call('ZADD', active, class, id)
return 1
