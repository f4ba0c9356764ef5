-- The journal of all processes: the last exchanges, and counters of all of them.
-- mockdock/observe/journal.py once more. Before this file comes step.lua.
--
-- A stream holds the records, as they came, under ids of their numbers. Of each session there
-- are its counts and uses of rules, the numbers of what is kept of it, and what raised.
do
  local STREAM, STATE, ALL = P .. 'journal', P .. 'journal:state', P .. 'journal:all'
  local SESSIONS, WRITERS = P .. 'journal:sessions', P .. 'journal:writers'
  local RAISED, MOST_RAISED = P .. 'journal:raised', 10
  local MISSED, LATE, FAILED, BROKEN, CAUSED = 1, 2, 4, 8, 16

  -- What all calls know of the journal, and what this one changes of its sessions: that is
  -- written once, for all exchanges that come together.
  local state, changed

  local function is(marks, mark)
    return bit.band(marks, mark) ~= 0
  end

  local function keys_of(name)
    return P .. 'journal:of:' .. name, P .. 'journal:numbers:' .. name, RAISED .. ':' .. name
  end

  local function changes_of(held)
    local changes = changed[held]
    if not changes then
      changes = {counts = {}, uses = {}}
      changed[held] = changes
    end
    return changes
  end

  local function grow(held, field, by)
    local counts = changes_of(held).counts
    counts[field] = (counts[field] or 0) + by
  end

  local function forget_everything()
    local names = call('ZRANGE', SESSIONS, 0, -1)
    for _, name in ipairs(names) do call('UNLINK', keys_of(name)) end
    call('UNLINK', STREAM, ALL, RAISED, SESSIONS)
    changed, state.bytes, state.kept, state.latest, state.renewed = {}, 0, 0, nil, nil
  end

  local function begin()
    local held = call('HMGET', STATE, 'number', 'turn', 'place', 'bytes', 'renewed')
    state = {renewed = tonumber(held[5] or nil), kept = call('XLEN', STREAM)}
    for at, name in ipairs({'number', 'turn', 'place', 'bytes'}) do
      state[name] = tonumber(held[at] or 0)
    end
    changed = {}
    -- Numbers that begin anew do not go with what is left of older ones.
    if not held[1] then forget_everything() end
  end

  local function renew_all()
    for _, name in ipairs(call('ZRANGE', SESSIONS, 0, -1)) do
      for _, key in ipairs({keys_of(name)}) do call('EXPIRE', key, DAY) end
    end
    for _, key in ipairs({STREAM, STATE, ALL, SESSIONS, RAISED, WRITERS, WRITERS .. ':old'}) do
      call('EXPIRE', key, DAY)
    end
  end

  local function finish()
    for held, changes in pairs(changed) do
      for field, by in pairs(changes.counts) do
        if by ~= 0 and call('HINCRBY', held, field, by) == by then
          call('EXPIRE', held, DAY)
          if changes.numbers then call('EXPIRE', changes.numbers, DAY) end
        end
      end
      for field, use in pairs(changes.uses) do
        call('HSET', held, field, string.format('%.0f %.0f %.0f', use[1], use[2], use[3]))
      end
    end
    local renews = not state.renewed or math.abs(clock - state.renewed) > RENEWED
    if renews then state.renewed = clock end
    call('HSET', STATE, 'number', state.number, 'turn', state.turn, 'place', state.place,
      'bytes', state.bytes, 'renewed', state.renewed)
    if renews then renew_all() end
  end

  local function drop(name)
    local held, numbers, raised = keys_of(name)
    local kept = call('ZRANGE', numbers, 0, -1)
    for from = 1, #kept, MANY do
      call('XDEL', STREAM, unpack(kept, from, math.min(#kept, from + MANY - 1)))
    end
    local grown = changed[held] and changed[held].counts.bytes or 0
    state.bytes = state.bytes - (call('HGET', held, 'bytes') or 0) - grown
    state.kept = state.kept - #kept
    call('UNLINK', held, numbers, raised)
    call('ZREM', SESSIONS, name)
    changed[held] = nil
    if state.latest == name then state.latest = nil end
  end

  -- Sessions are used in turn: the one whose turn is longest ago is the first to go.
  local function used(name)
    local held, numbers, raised = keys_of(name)
    if state.latest == name then return held, numbers, raised end
    state.latest, state.turn = name, state.turn + 1
    if call('ZADD', SESSIONS, state.turn, name) == 1 then
      call('HSET', held, 'bytes', 0)
      call('EXPIRE', held, DAY)
      local length = call('ZCARD', SESSIONS)
      if length == 1 then call('EXPIRE', SESSIONS, DAY) end
      if length > MOST_SESSIONS then drop(call('ZRANGE', SESSIONS, 0, 0)[1]) end
    end
    return held, numbers, raised
  end

  local function use(name, key)
    local held, field = used(name), '=' .. key
    local uses = changes_of(held).uses
    state.place = state.place + 1
    if not uses[field] then
      local known = call('HGET', held, field)
      local times, first = string.match(known or '0 0', '^(%d+) (%d+)')
      uses[field] = {tonumber(times), known and tonumber(first) or state.place}
    end
    uses[field][1], uses[field][3] = uses[field][1] + 1, state.place
  end

  local function count(held, raised, name, marks, prompt, completion, record)
    grow(held, 'requests', 1)
    if prompt > 0 then grow(held, 'prompt_tokens', prompt) end
    if completion > 0 then grow(held, 'completion_tokens', completion) end
    if is(marks, BROKEN) then grow(held, 'broken', 1) end
    if is(marks, FAILED) then grow(held, 'failed', 1) end
    if is(marks, MISSED) then grow(held, 'missed', 1) end
    if is(marks, CAUSED) and call('LLEN', raised) < MOST_RAISED then
      local head = string.format('%.0f %d %d\n', state.number, marks, #name)
      local length = call('RPUSH', raised, head .. name .. record)
      if length == 1 then call('EXPIRE', raised, DAY) end
    end
  end

  local function evict()
    local oldest = call('XRANGE', STREAM, '-', '+', 'COUNT', 1)[1]
    if not oldest then
      state.bytes, state.kept = 0, 0
      return
    end
    local id, name, marks, record = oldest[1], oldest[2][2], oldest[2][4], oldest[2][6]
    call('XDEL', STREAM, id)
    state.bytes, state.kept = state.bytes - #record, state.kept - 1
    local held, numbers = keys_of(name)
    if not is(marks, LATE) and (changed[held] or call('EXISTS', held) == 1) then
      call('ZREM', numbers, string.match(id, '^%d+'))
      grow(held, 'bytes', -#record)
    end
  end

  local function append(asked, name, marks, prompt, completion, record)
    state.number = state.number + 1
    local number = string.format('%.0f', state.number)
    call('XADD', STREAM, number .. '-0', 's', name, 'm', marks, 'r', record)
    state.bytes, state.kept = state.bytes + #record, state.kept + 1
    if state.kept == 1 then call('EXPIRE', STREAM, DAY) end
    count(ALL, RAISED, name, marks, prompt, completion, record)
    if not is(marks, LATE) then
      local held, numbers, raised = used(name)
      count(held, raised, name, marks, prompt, completion, record)
      grow(held, 'bytes', #record)
      call('ZADD', numbers, number, number)
      changes_of(held).numbers = numbers
    end
    while state.bytes > asked.most_bytes or state.kept > asked.most do evict() end
    return number
  end

  -- Take what a process had to tell, in its order, but for what it told before and has not
  -- heard of: that was the end of what it told last. Give the numbers of its exchanges.
  function verbs.keep(asked)
    local written, last = string.match(get(WRITERS, asked.writer) or '0 0', '^(%d+) (%d+)$')
    written = tonumber(written)
    begin()
    state.number = math.max(state.number, asked.seen)
    local at, known, numbers, serial = 6, 0, {}, written
    for _, item in ipairs(asked.items) do
      local fresh = item[1] > written
      if fresh then serial = item[1] end
      if #item > 3 then
        if fresh then
          numbers[#numbers + 1] = append(asked, item[2], item[3], item[4], item[5], ARGV[at])
        else
          known = known + 1
        end
        at = at + 1
      elseif fresh then
        use(item[2], item[3])
      end
    end
    local before = {}
    for back = known - 1, 0, -1 do before[#before + 1] = string.format('%.0f', last - back) end
    if serial > written then
      local newest = string.format('%.0f', numbers[1] and state.number or last)
      put(WRITERS, asked.writer, string.format('%.0f ', serial) .. newest)
      finish()
      if numbers[1] then call('PUBLISH', STREAM, newest) end
    end
    if before[1] and numbers[1] then before[#before + 1] = '' end
    return table.concat(before, ' ') .. table.concat(numbers, ' ')
  end

  -- Give a page of what is kept, or of what a session has: the newest number of all there is,
  -- then number, marks, and sizes of name and record of each, and after a line break all these.
  function verbs.kept(asked)
    local name, low, high, most = asked.session, asked.low, asked.high, asked.count
    local found, newest = {}, '0'
    if name == null then
      local last = call('XREVRANGE', STREAM, '+', '-', 'COUNT', 1)[1]
      if last then newest = string.match(last[1], '^%d+') end
      if high == null then high = newest end
      if most > 0 and asked.backwards then
        found = call('XREVRANGE', STREAM, high, low, 'COUNT', most)
      elseif most > 0 then
        found = call('XRANGE', STREAM, low, high, 'COUNT', most)
      end
    else
      local _, numbers = keys_of(name)
      newest = call('ZREVRANGE', numbers, 0, 0)[1] or '0'
      if high == null then high = newest end
      local wanted
      if asked.backwards then
        wanted = call('ZREVRANGEBYSCORE', numbers, high, low, 'LIMIT', 0, most)
      else
        wanted = call('ZRANGEBYSCORE', numbers, low, high, 'LIMIT', 0, most)
      end
      for _, number in ipairs(wanted) do
        found[#found + 1] = call('XRANGE', STREAM, number, number)[1]
      end
    end
    local head, body = {newest}, {}
    for _, each in ipairs(found) do
      local fields = each[2]
      for _, word in ipairs({string.match(each[1], '^%d+'), fields[4], #fields[2], #fields[6]}) do
        head[#head + 1] = word
      end
      body[#body + 1] = fields[2]
      body[#body + 1] = fields[6]
    end
    return table.concat(head, ' ') .. '\n' .. table.concat(body)
  end

  function forgetting.journal(name)
    begin()
    if name then drop(name) else forget_everything() end
    finish()
  end

  function verbs.forget_journal(asked)
    forgetting.journal(asked.session ~= null and asked.session or nil)
    return ''
  end
end
