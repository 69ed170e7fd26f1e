-- ARGV: lane.
local no = guard()
if no then return answer(no) end
if status == 'stitching' then return answer('join') end
if status == 'processing' then
  load_runs()
  take(tonumber(ARGV[1]), false, now())
end
return answer(status == 'processing' and 'ok' or status)
