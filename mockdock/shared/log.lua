-- A log of what all processes do in one order: see log.py. What is in it is opaque here.
-- Before this file come keeping.lua and step.lua.
--
-- P..'log'           number: given last; gone: up to here something is missing; renewed; and
--                    of both streams what they take, in bytes
-- P..'log:passing'   what there is a lot of; P..'log:lasting' what later things rest upon
-- P..'log:writers'   of who sends again what he heard nothing of, the last he has sent
-- P..'log:sessions'  the sessions that anything may be of

do
  local LOG, WRITERS, NAMES = P .. 'log', P .. 'log:writers', P .. 'log:sessions'
  local STREAMS = {passing = P .. 'log:passing', lasting = P .. 'log:lasting'}
  local EACH, PAGE, ENOUGH = 100, 100, 500000

  local function renew_log()
    for _, each in ipairs({LOG, WRITERS, WRITERS .. ':old', NAMES}) do call('EXPIRE', each, DAY) end
    for _, each in pairs(STREAMS) do call('EXPIRE', each, DAY) end
  end

  -- Give the number given last, and the last that is gone. As serials, numbers are never given
  -- twice: a log that begins, begins where the clock is, and all before is gone.
  local function state()
    local held = call('HMGET', LOG, 'number', 'gone', 'renewed')
    if not held[1] then
      for _, each in pairs(STREAMS) do call('UNLINK', each) end
      held = {exact(clock), exact(clock), clock}
      call('HSET', LOG, 'number', held[1], 'gone', held[2], 'renewed', clock)
      renew_log()
    elseif math.abs(clock - tonumber(held[3])) > RENEWED then
      call('HSET', LOG, 'renewed', clock)
      renew_log()
    end
    return tonumber(held[1]), tonumber(held[2])
  end

  local function size(item)
    return #item[2][2] + EACH
  end

  local function number_of(item)
    return tonumber(string.match(item[1], '^%d+'))
  end

  local function drop(kind, items)
    for _, item in ipairs(items) do
      call('XDEL', STREAMS[kind], item[1])
      call('HINCRBY', LOG, kind, -size(item))
      local gone = tonumber(call('HGET', LOG, 'gone'))
      if number_of(item) > gone then call('HSET', LOG, 'gone', exact(number_of(item))) end
    end
    return #items
  end

  -- Where something lasting goes, all before it goes as well: it may have forgotten that.
  local function evict(kind)
    local oldest = call('XRANGE', STREAMS[kind], '-', '+', 'COUNT', 1)
    drop(kind, oldest)
    if kind == 'passing' then return end
    repeat
      local before = call('XRANGE', STREAMS.passing, '-', oldest[1][1], 'COUNT', PAGE)
    until drop('passing', before) == 0
  end

  local function append(kind, data)
    state()
    local stream, bound = STREAMS[kind], LOG_BOUNDS[kind]
    local number = exact(call('HINCRBY', LOG, 'number', 1))
    call('XADD', stream, number .. '-0', 'd', data)
    local bytes = call('HINCRBY', LOG, kind, #data + EACH)
    local length = call('XLEN', stream)
    if length == 1 then call('EXPIRE', stream, DAY) end
    while length > 1 and (length > bound[1] or bytes > bound[2]) do
      evict(kind)
      bytes, length = tonumber(call('HGET', LOG, kind)), call('XLEN', stream)
    end
    return number
  end

  function verbs.note(asked)
    if asked.writer ~= null then
      local last = get(WRITERS, asked.writer)
      if last and tonumber(last) >= asked.serial then return '0' end
      put(WRITERS, asked.writer, exact(asked.serial))
    end
    local number = append(asked.kind, ARGV[6])
    if asked.sessions[1] and call('HEXISTS', LOG, 'many') == 0 then
      call('SADD', NAMES, unpack(asked.sessions))
      local count = call('SCARD', NAMES)
      if count <= #asked.sessions then call('EXPIRE', NAMES, DAY) end
      if count > MOST_COUNTS then
        call('UNLINK', NAMES)
        call('HSET', LOG, 'many', 1)
      end
    end
    return number
  end

  -- Of what comes after a number, the next in order: "upto last" and then of each its number,
  -- its length and itself. "anew gone" where something is missing that was not known to be.
  function verbs.news(asked)
    local last, gone = state()
    local after, known = tonumber(asked.after), tonumber(asked.gone)
    if gone > math.max(after, known) or after > last or known > gone then
      return 'anew ' .. exact(gone)
    end
    if after == last then return exact(last) .. ' ' .. exact(last) .. '\n' end
    local pages, at, told, bytes, upto = {}, {}, {}, 0, last
    for kind, stream in pairs(STREAMS) do
      pages[kind] = call('XRANGE', stream, exact(after + 1) .. '-0', '+', 'COUNT', PAGE)
      at[kind] = 1
    end
    local function ended(kind)
      return at[kind] > #pages[kind]
    end
    local function cut(kind)
      return ended(kind) and #pages[kind] == PAGE
    end
    while true do
      local kind
      if cut('passing') or cut('lasting') or bytes > ENOUGH then
        upto = told[#told - 2]
        break
      elseif ended('passing') and ended('lasting') then
        break
      elseif ended('passing') then
        kind = 'lasting'
      elseif ended('lasting') then
        kind = 'passing'
      else
        local first = number_of(pages.passing[at.passing]) < number_of(pages.lasting[at.lasting])
        kind = first and 'passing' or 'lasting'
      end
      local item = pages[kind][at[kind]]
      local data = item[2][2]
      told[#told + 1] = exact(number_of(item))
      told[#told + 1] = tostring(#data)
      told[#told + 1] = data
      bytes, at[kind] = bytes + #data, at[kind] + 1
    end
    local parts = {(type(upto) == 'number' and exact(upto) or upto) .. ' ' .. exact(last) .. '\n'}
    for each = 1, #told, 3 do
      parts[#parts + 1] = told[each] .. ' ' .. told[each + 1] .. '\n' .. told[each + 2]
    end
    return table.concat(parts)
  end

  -- A session is forgotten at one place of the order. Where all is, nothing is left to tell.
  function forgetting.log(name)
    if call('EXISTS', LOG) == 0 then return end
    if name then
      local any = call('SREM', NAMES, name) == 1 or call('HEXISTS', LOG, 'many') == 1
      if any then append('lasting', 'F' .. name) end
      return
    end
    local last = state()
    for kind, stream in pairs(STREAMS) do
      call('UNLINK', stream)
      call('HSET', LOG, kind, 0)
    end
    call('UNLINK', NAMES)
    call('HDEL', LOG, 'many')
    local number = exact(last + 1)
    call('HSET', LOG, 'number', number, 'gone', number)
  end
end
