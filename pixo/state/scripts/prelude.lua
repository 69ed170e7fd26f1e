-- What all scripts of a job share. Every script but `create` asks the guard before it writes anything, so that a
-- late actor cannot bring back a key that is gone. The first write of a script is one that a full server refuses, so
-- that it refuses the whole script.
local job, todo, out, again, tiles, tries, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local LANE = 2 ^ 40 -- a score of `out` is lane * LANE + ms since `base`: 34 years fit
local TOMBSTONE = 26 * 3600 * 1000 -- longer than `tasks` retains
local LEASE = 30 * 1000 -- a joiner's, who renews it every 10 s
local LIVE = {queued = true, processing = true, stitching = true}

local head = redis.call('HMGET', job, 'status', 'gen', 'total', 'base', 'window', 'skip')
local status, gen = head[1], head[2]
local total, base, window, skip = tonumber(head[3]), tonumber(head[4]), tonumber(head[5]), tonumber(head[6])

-- Gives nil to those who may go on, else the word for why not. Without `wanted` any generation will do.
local function guard(wanted)
  if not status then return 'gone' end
  if wanted and wanted ~= gen then return 'stale' end
  if not LIVE[status] then return 'ended' end
end

-- Whether a joiner holds its lease. One that ends later than any can was taken before the clock was set back.
local function leased(t, till)
  till = tonumber(till or 0)
  return till >= t and till <= t + LEASE
end

local function int(n) return string.format('%.0f', n) end

local function note(kind, ...)
  redis.call('XADD', events, 'MAXLEN', '~', 2 * (total or 0) + 20, '*', 'kind', kind, ...)
end

local function set(...) redis.call('HSET', job, ...) end

-- To a state that is not the end.
local function enter(to, t)
  status = to
  set('status', to, 'updated', int(t))
  note('status', 'status', to)
end

-- To done, failed or cancelled. The keys get their expiry; the sweep makes a tombstone before that.
local function finish(to, t, ...)
  status = to
  set('status', to, 'updated', int(t), 'finished', int(t), ...)
  redis.call('DEL', out, todo)
  note('done', 'status', to)
  local keep = int(tonumber(redis.call('HGET', job, 'keep')) + TOMBSTONE)
  for _, key in ipairs({job, again, tiles, tries, events}) do redis.call('PEXPIRE', key, keep) end
end
