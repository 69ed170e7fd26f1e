-- ARGV: gen, token, final, sha, size. Decides whose final counts.
if gen ~= ARGV[1] or redis.call('HGET', job, 'join_token') ~= ARGV[2] then return 0 end
-- Asked again by the same joiner, whose first answer was lost: it must not take its final for refused.
if status == 'done' then return 1 end
if status ~= 'stitching' then return 0 end
finish('done', now(), 'final', ARGV[3], 'sha', ARGV[4], 'size', ARGV[5])
return 1
