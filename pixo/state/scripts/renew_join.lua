-- ARGV: gen, token.
if guard(ARGV[1]) or status ~= 'stitching' or redis.call('HGET', job, 'join_token') ~= ARGV[2] then return 0 end
set('join_until', int(now() + LEASE))
return 1
