-- The status after the call, nil for no job.
if not status then return nil end
if LIVE[status] then finish('cancelled', now()) end
return status
