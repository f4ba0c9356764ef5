-- How a limit counts: mockdock/engine/meters.py once more, to the last operation.
--
-- A state is {changed, until, ...}, empty at the start; a charge a table of the fields of
-- Charge, and the lease under which it is taken or given back. Whatever is changed here is
-- changed there, and the other way round; but that a gauge knows who holds what.
-- All is made when it is called for: most steps are charged nothing.

local function meters()
  local floor, huge, max, min = math.floor, math.huge, math.max, math.min
  local SLOTS, CLOSE, NOISE, GAUGE_WAIT = 60, 1e-6, 1e-12, 1

  -- Seconds for which everybody is held off; by a clock set back no longer than that.
  local function held_off(state, now)
    if not state[1] then return 0 end
    return max(0, state[2] - max(now, state[1]))
  end

  -- What is left, and a little more for what sums are wrong by.
  local function room(charge, used)
    return charge.limit - used + max(CLOSE, charge.limit * NOISE)
  end

  -- How much must become free before the cost fits; 0 when it does.
  local function missing(charge, used)
    if charge.cost > room(charge, 0) then return huge end
    if charge.cost <= room(charge, used) then return 0 end
    return charge.cost - (charge.limit - used)
  end

  -- Refills all the time; state: used, at.
  local bucket = {}

  function bucket.used(charge, state, now)
    if not state[3] then return 0 end
    local used = min(charge.limit, state[3])
    return max(0, used - max(0, now - state[4]) * charge.limit / charge.window)
  end

  function bucket.wait(charge, state, now)
    return missing(charge, bucket.used(charge, state, now)) * charge.window / charge.limit
  end

  function bucket.reset(charge, state, now)
    return bucket.used(charge, state, now) * charge.window / charge.limit
  end

  function bucket.add(charge, state, now, amount)
    return {min(charge.limit, bucket.used(charge, state, now) + amount), now}
  end

  function bucket.correct(charge, state, _, now, amount)
    return {min(charge.limit, max(0, bucket.used(charge, state, now) - amount)), now}
  end

  -- Windows that follow each other, counted from 0 of the clock; state: start, used.
  local fixed = {}

  local function start_of(charge, now)
    return floor(now / charge.window + CLOSE) * charge.window
  end

  function fixed.used(charge, state, now)
    if state[3] and state[3] == start_of(charge, now) then return state[4] end
    return 0
  end

  function fixed.wait(charge, state, now)
    local lacks = missing(charge, fixed.used(charge, state, now))
    if lacks == 0 or lacks == huge then return lacks end
    return max(CLOSE, start_of(charge, now) + charge.window - now)
  end

  function fixed.reset(charge, state, now)
    if fixed.used(charge, state, now) == 0 then return 0 end
    return max(0, start_of(charge, now) + charge.window - now)
  end

  function fixed.add(charge, state, now, amount)
    return {start_of(charge, now), min(charge.limit, fixed.used(charge, state, now) + amount)}
  end

  function fixed.correct(charge, state, taken, now, amount)
    local start = start_of(charge, now)
    if amount > 0 and start_of(charge, taken) ~= start then return {state[3], state[4]} end
    local used = fixed.used(charge, state, now) - amount
    return {start, min(charge.limit, max(0, used))}
  end

  -- The time just gone by, in slots; state: pairs of slot and used, the oldest first.
  local sliding = {}

  local function slot_of(charge, now)
    return floor(now * SLOTS / charge.window + CLOSE)
  end

  -- The slots that still count, what each holds, how many they are, and their sum.
  local function left_of(charge, state, now)
    local newest = slot_of(charge, now)
    local slots, counts, length, sum = {}, {}, 0, 0
    for at = 3, #state, 2 do
      if state[at] >= newest - SLOTS then
        local own = min(state[at], newest) -- a clock that was set back knows no later one
        if slots[length] == own then
          counts[length] = counts[length] + state[at + 1]
        else
          length = length + 1
          slots[length], counts[length] = own, state[at + 1]
        end
      end
    end
    for at = 1, length do sum = sum + counts[at] end
    return slots, counts, length, sum
  end

  local function flat(slots, counts, length)
    local rest = {}
    for at = 1, length do
      rest[2 * at - 1], rest[2 * at] = slots[at], counts[at]
    end
    return rest
  end

  -- Seconds until a slot no longer counts.
  local function gone(charge, slot, now)
    return max(CLOSE, (slot + 1 + SLOTS) * charge.window / SLOTS - now)
  end

  function sliding.used(charge, state, now)
    local _, _, _, sum = left_of(charge, state, now)
    return sum
  end

  function sliding.wait(charge, state, now)
    local slots, counts, length, used = left_of(charge, state, now)
    local lacks = missing(charge, used)
    if lacks == 0 or lacks == huge then return lacks end
    local leaving = 0
    for at = 1, length do
      leaving = leaving + counts[at]
      if missing(charge, used - leaving) == 0 then return gone(charge, slots[at], now) end
    end
    return gone(charge, slots[length], now)
  end

  function sliding.reset(charge, state, now)
    local slots, counts, length = left_of(charge, state, now)
    for at = length, 1, -1 do
      if counts[at] ~= 0 then return gone(charge, slots[at], now) end
    end
    return 0
  end

  function sliding.add(charge, state, now, amount)
    local slots, counts, length, sum = left_of(charge, state, now)
    local slot = slot_of(charge, now)
    if slots[length] ~= slot then
      length = length + 1
      slots[length], counts[length] = slot, 0
    end
    counts[length] = counts[length] + min(amount, max(0, charge.limit - sum))
    return flat(slots, counts, length)
  end

  function sliding.correct(charge, state, taken, now, amount)
    if amount <= 0 then return sliding.add(charge, state, now, -amount) end
    local slots, counts, length = left_of(charge, state, now)
    local slot = slot_of(charge, taken)
    for at = 1, length do
      if slots[at] == slot then counts[at] = max(0, counts[at] - amount) end
    end
    return flat(slots, counts, length)
  end

  -- What is under way now; state: pairs of a lease and how many are held under it.
  local gauge = {}

  function gauge.used(_, state)
    local used = 0
    for at = 4, #state, 2 do used = used + state[at] end
    return used
  end

  function gauge.wait(charge, state)
    return missing(charge, gauge.used(charge, state)) ~= 0 and GAUGE_WAIT or 0
  end

  function gauge.reset(charge, state)
    return gauge.used(charge, state) ~= 0 and GAUGE_WAIT or 0
  end

  function gauge.add(charge, state, _, amount)
    local rest, own = {}, 0
    for at = 3, #state, 2 do
      if state[at] == charge.lease then
        own = state[at + 1]
      else
        rest[#rest + 1], rest[#rest + 2] = state[at], state[at + 1]
      end
    end
    own = max(0, own + amount)
    if own > 0 then rest[#rest + 1], rest[#rest + 2] = charge.lease, own end
    return rest
  end

  function gauge.correct(charge, state, _, now, amount)
    return gauge.add(charge, state, now, -amount)
  end

  -- What was ever spent, as state; the request that spends the last of it is let through.
  local budget = {}

  function budget.used(_, state)
    return state[3] or 0
  end

  function budget.wait(charge, state)
    return budget.used(charge, state) >= charge.limit * (1 - CLOSE) and huge or 0
  end

  function budget.reset()
    return huge
  end

  function budget.add(charge, state, _, amount)
    return {budget.used(charge, state) + amount}
  end

  function budget.correct(charge, state, _, _, amount)
    return {max(0, budget.used(charge, state) - amount)}
  end

  local KINDS = {bucket = bucket, fixed = fixed, sliding = sliding, gauge = gauge, budget = budget}

  -- Used, seconds until the cost fits, seconds until nothing is used.
  local function read(charge, state, now)
    local kind, held = KINDS[charge.algorithm], held_off(state, now)
    local used, wait = kind.used(charge, state, now), kind.wait(charge, state, now)
    local reset = kind.reset(charge, state, now)
    if held > CLOSE then
      return charge.limit, max(wait, held), max(reset, held)
    end
    return used, wait, reset
  end

  local function joined(now, wait, rest)
    return {now, now + wait, unpack(rest)}
  end

  local function take(charge, state, now, amount)
    local rest = KINDS[charge.algorithm].add(charge, state, now, amount)
    return joined(now, held_off(state, now), rest)
  end

  local function refuse(charge, state, now)
    local after = take(charge, state, now, charge.toll)
    if charge.extend == 0 then return after end
    local held = held_off(state, now)
    local early = held > CLOSE and charge.extend or 0
    local wait = KINDS[charge.algorithm].wait(charge, after, now)
    if wait == huge then wait = 0 end
    after[2] = now + max(held, wait) + early
    return after
  end

  local function give_back(charge, state, taken, now, amount)
    local rest = KINDS[charge.algorithm].correct(charge, state, taken, now, amount)
    return joined(now, held_off(state, now), rest)
  end

  return {read = read, take = take, refuse = refuse, give_back = give_back}
end
