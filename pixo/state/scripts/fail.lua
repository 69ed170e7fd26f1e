-- ARGV: gen, reason. The job as a whole fails.
if status == 'failed' and gen == ARGV[1] then return 1 end
if guard(ARGV[1]) then return 0 end
finish('failed', now(), 'error', ARGV[2])
return 1
