-- One step of the store: mockdock/engine/memory.py once more, atomic for all processes.
-- Before this file come keeping.lua, meters.lua and leases.lua.

-- 1.0 is 1, and what is no number is not even itself.
local function plain(value)
  if value and string.sub(value, 1, 1) ~= '"' and string.sub(value, -2) == '.0' then
    return string.sub(value, 1, -3)
  end
  return value
end

local function same(held, wanted)
  if wanted == null then return held == nil end
  return wanted ~= 'NaN' and plain(held) == plain(wanted)
end

-- The letter that says why a condition on attempt or state does not hold, nil where it does.
local function fails(what, attempt, states)
  if attempt < what.low or (what.high ~= null and attempt > what.high) then return 'a' end
  for _, each in ipairs(what.state) do
    if not same(states[each[1]], each[2]) then return 's' end
  end
  return nil
end

local function strikes(chance, seen)
  local drawn = redis.sha1hex(chance.base .. '/' .. seen)
  local function draw(from)
    -- 52 bits at once are more than tonumber reads in base 16 everywhere
    local high, low = string.sub(drawn, from, from + 6), string.sub(drawn, from + 7, from + 12)
    return (tonumber(high, 16) * 16777216 + tonumber(low, 16)) / 4503599627370496
  end
  if draw(1) >= chance.rate then return false end
  local which = draw(14)
  for _, share in ipairs(chance.errors) do
    if which < share[1] then return share[2] end
  end
  return false
end

local function errs(gates, attempt, seen, states)
  local chance
  for _, gate in ipairs(gates) do
    if not fails(gate, attempt, states) then
      if gate.error then return true end
      if gate.chance ~= null then chance = gate.chance end
    end
  end
  if not chance or fails(chance, attempt, states) then return false end
  return strikes(chance, seen)
end

local function place_of(serial, charge)
  return (charge.shared and '0' or serial) .. ':' .. charge.key
end

local function load_meter(serial, charge, quiet)
  local held = get(MAPS.meters, place_of(serial, charge), quiet)
  local state = held and cmsgpack.unpack(held) or {}
  return charge.algorithm == 'gauge' and held_still(state) or state
end

local function save_meter(serial, charge, state)
  put(MAPS.meters, place_of(serial, charge), cmsgpack.pack(state))
end

local function told(used, wait, reset)
  return string.format('%.17g %.17g %.17g', used, wait, reset)
end

-- Give the readings after the charges, and the places of those that had no room.
local function charge_all(serial, charges, now, lease, peek)
  local states, waits, readings, refusers = {}, {}, {}, {}
  if not charges[1] then return readings, refusers end
  local meter = meters()
  for at, charge in ipairs(charges) do
    charge.lease = lease
    states[at] = load_meter(serial, charge, peek)
    local used, wait, reset = meter.read(charge, states[at], now)
    waits[at], readings[at] = wait, told(used, wait, reset)
    if wait > 0 then refusers[#refusers + 1] = at - 1 end
  end
  if peek then return readings, refusers end
  for at, charge in ipairs(charges) do
    local after
    if #refusers == 0 then
      after = meter.take(charge, states[at], now, charge.cost)
    elseif waits[at] <= 0 then
      after = meter.take(charge, states[at], now, charge.toll)
    else
      after = meter.refuse(charge, states[at], now)
    end
    save_meter(serial, charge, after)
    readings[at] = told(meter.read(charge, after, now))
  end
  return readings, refusers
end

local function counter(serial, request, candidate)
  local key = candidate.key
  if candidate.per == 'request' then
    return MAPS.request, serial .. ':' .. #key .. ':' .. key .. request
  elseif candidate.per == 'server' then
    return MAPS.server, key
  end
  return P .. 'used:' .. serial, key
end

function verbs.decide(step)
  local quiet, attempt, seen, states = step.peek, step.attempt, 1, {}
  local serial = session(step.session, quiet)
  local identity = serial .. ':' .. step.request
  local asked = get(MAPS.asked, identity, quiet)
  if asked then
    local before, often = string.match(asked, '^(%S+) (%S+)$')
    seen = tonumber(often) + 1
    if attempt == 0 then attempt = tonumber(before) + 1 end
  elseif attempt == 0 then
    attempt = 1
  end
  if not quiet then put(MAPS.asked, identity, attempt .. ' ' .. seen) end
  if step.whole then states = states_of(step.session) end
  local lease, leased = nil, '0'
  if step.holder ~= null and not quiet then lease, leased = lease_of(step.holder) end
  local readings, refusers = charge_all(serial, step.charges, step.now, lease, quiet)

  local skips, index, position = {}, -1, -1
  if #refusers == 0 and not errs(step.gates, attempt, seen, states) then
    for at, each in ipairs(step.candidates) do
      local why, used, before = fails(each, attempt, states), 0, 0
      local map, key = counter(serial, step.request, each)
      if not why then
        used = tonumber(get(map, key, quiet) or 0)
        before = each.per == 'request' and attempt - 1 or used
        if each.times ~= null and used >= each.times then
          why = 't'
        elseif each.after_last == 'pass' and before >= each.length then
          why = 'r'
        end
      end
      if not why then
        index = at - 1
        if before < each.length then
          position = before
        elseif each.after_last == 'cycle' then
          position = before % each.length
        elseif each.after_last ~= 'fail' then
          position = each.length - 1
        end
        if not quiet then
          put(map, key, used + 1)
          if position ~= -1 then apply(step.session, each.set_state) end
        end
        break
      end
      skips[at] = why
    end
  end

  local named = {}
  for name, value in pairs(states) do named[#named + 1] = name .. ':' .. value end
  return table.concat({
    attempt, seen, serial, leased, index, position, table.concat(skips),
    table.concat(refusers, ','), table.concat(readings, ','), '{' .. table.concat(named, ',') .. '}',
  }, '|')
end

local function settle(asked)
  local lives = call('HGET', P .. 'session:' .. asked.session, 'serial') == asked.serial
  local begun, meter = call('GET', BEGUN), meters()
  local began_since = begun and tonumber(asked.serial) > tonumber(begun)
  for _, each in ipairs(asked.charges) do
    local charge, amount = each[1], each[2]
    if amount ~= 0 and (charge.shared and began_since or not charge.shared and lives) then
      charge.lease = asked.lease
      local state = load_meter(asked.serial, charge)
      state = meter.give_back(charge, state, asked.taken, asked.now, amount)
      save_meter(asked.serial, charge, state)
    end
  end
end

-- What was not heard of comes again, maybe much later, under its number, and counts once.
function verbs.settle(asked)
  if tonumber(get(MAPS.settled, asked.writer) or 0) >= asked.number then return '' end
  put(MAPS.settled, asked.writer, exact(asked.number))
  for _, each in ipairs(asked.all) do settle(each) end
  return ''
end

function verbs.read(asked)
  local serial, readings, meter = session(asked.session, true), {}, meters()
  for at, charge in ipairs(asked.charges) do
    local state = load_meter(serial, charge, true)
    readings[at] = told(meter.read(charge, state, asked.now))
  end
  return table.concat(readings, ',')
end

function verbs.spend(asked)
  local used = P .. 'used:' .. session(asked.session)
  local count = tonumber(get(used, asked.key) or 0)
  if count >= asked.most then return '0' end
  put(used, asked.key, count + 1)
  return '1'
end

function verbs.remember(asked)
  local serial, map, known, new, prefixes = session(asked.session), MAPS.prefixes, 0, {}, {}
  for at = 6, #ARGV do prefixes[at - 5] = serial .. ':' .. ARGV[at] end
  for from = 1, #prefixes, MANY do
    local upto, fresh = math.min(#prefixes, from + MANY - 1), {}
    local young = call('HMGET', map, unpack(prefixes, from, upto))
    local old = call('HMGET', map .. ':old', unpack(prefixes, from, upto))
    for at = from, upto do
      local prefix, place = prefixes[at], at - from + 1
      if young[place] or old[place] or new[prefix] then known = at end
      if not young[place] and not new[prefix] then
        new[prefix] = true
        fresh[#fresh + 1] = prefix
        fresh[#fresh + 1] = 1
      end
    end
    if fresh[1] then put(map, unpack(fresh)) end
  end
  return tostring(known)
end

function verbs.set_state(asked)
  session(asked.session)
  apply(asked.session, asked.states)
  return ''
end

function forgetting.counts(name)
  if name then return forget({name}) end
  forget(call('ZRANGE', SESSIONS, 0, -1))
  for _, map in pairs(MAPS) do call('UNLINK', map, map .. ':old') end
  call('SET', BEGUN, next_serial(), 'EX', DAY)
  call('EXPIRE', SERIAL, DAY)
end

function verbs.reset(asked)
  forgetting.counts(asked.session ~= null and asked.session or nil)
  return ''
end
