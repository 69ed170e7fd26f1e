-- Handing out tiles: for the scripts that can. `todo` keeps a field for every lane, also when its run is empty
-- ("12-12"): the number of fields is the number of lanes, and the end of an empty run is where the decoder stands.
local given = {} -- flat: tile, lane, until
local runs, left, lanes = {}, 0, 0

local function load_runs()
  runs, left, lanes = {}, 0, 0
  local flat = redis.call('HGETALL', todo)
  for i = 1, #flat, 2 do
    local a, b = string.match(flat[i + 1], '(%d+)-(%d+)')
    runs[tonumber(flat[i])] = {tonumber(a), tonumber(b)}
    left, lanes = left + b - a, lanes + 1
  end
end

local function save_run(p) redis.call('HSET', todo, p, int(runs[p][1]) .. '-' .. int(runs[p][2])) end

local function inflight(p) return redis.call('ZCOUNT', out, int(p * LANE), int((p + 1) * LANE - 1)) end

-- Puts the tile into `out` as given now, and into the answer.
local function give(n, p, till, t)
  local since = math.min(math.max(t - base, 0), LANE - 1)
  redis.call('ZADD', out, int(p * LANE + since), n)
  given[#given + 1], given[#given + 2], given[#given + 3] = n, p, till
end

-- Lane p, run dry, takes the tail of the longest run, cut where both would end at the same time: passing over
-- a row costs `skip` of processing it. p's decoder stands at the end of its old run, of use only if not below the cut.
local function overtake(p)
  local q, most = nil, 0
  for lane, run in pairs(runs) do
    local length = run[2] - run[1]
    if length > most or (length == most and q and lane < q) then q, most = lane, length end
  end
  if most == 0 then return false end
  local a, b = runs[q][1], runs[q][2]
  local at = runs[p][2]
  if at >= b then at = 0 end
  local cut = math.max(math.floor((a + b - skip * at) / (2 - skip)), at, a)
  if cut >= b then return false end
  runs[q][2], runs[p] = cut, {cut, b}
  save_run(q)
  return true
end

-- Fills the window of lane p; `lazy` waits until half of it is free. The window shrinks near the end, so that
-- slow lanes hold little when others run dry.
local function take(p, lazy, t)
  local known = runs[p]
  local width = math.max(2, math.min(window, math.ceil(left / (2 * math.max(1, lanes)))))
  local flying = inflight(p)
  if left == 0 or flying >= width or (lazy and flying > width / 2) then return end
  if not known then runs[p] = {0, 0} end
  local changed = false
  while flying < width and (runs[p][1] < runs[p][2] or overtake(p)) do
    local n = runs[p][1]
    runs[p][1], left, changed = n + 1, left - 1, true
    -- Runs are a hint: a tile that was finished or given out under an older run is passed over.
    if redis.call('HEXISTS', tiles, n) == 0 and not redis.call('ZSCORE', out, n) then
      give(n, p, runs[p][2], t)
      flying = flying + 1
    end
  end
  if changed then
    save_run(p)
    if not known then lanes = lanes + 1 end
  end
end

-- Goes on to stitching when every tile is there.
local function complete_if_all(t)
  if redis.call('HLEN', tiles) < total then return false end
  enter('stitching', t)
  return true
end

-- The answer: word, generation, tiles not yet given out, plan (only with tasks), then the tasks.
local function answer(word)
  local reply = {word, gen or '0', left, #given > 0 and redis.call('HGET', job, 'plan') or ''}
  for i = 1, #given do reply[i + 4] = given[i] end
  return reply
end
