-- To write an operation, and to forget what it undoes: see mark.lua.
-- Before this file comes every other one: a session is forgotten by all at once.

local MOST_LATEST, LOOKED_BACK = 10000, 32

-- Names are Unicode, which has no byte 254 or 255.
local EVERYBODY = '\254'

local function ends(name)
  return '[' .. name .. '\255', '(' .. name .. '\255\255'
end

local function drop(index, name)
  local members
  if name then
    members = call('ZRANGEBYLEX', index, ends(name))
  else
    members = call('ZRANGE', index, 0, -1)
  end
  for from = 1, #members, MANY do
    local upto, ids = math.min(#members, from + MANY - 1), {}
    for at = from, upto do ids[#ids + 1] = string.match(members[at], '%d+$') .. '-0' end
    call('XDEL', OPS, unpack(ids))
    call('ZREM', index, unpack(members, from, upto))
  end
end

local function note(index, name, version)
  call('ZADD', index, 0, name .. '\255' .. string.format('%016.0f', version))
  call('EXPIRE', index, DAY)
end

-- Whether what an operation did was seen before the next of its kind, which is after it.
local function is_seen(stops, version, next)
  for _, verb in ipairs(stops) do
    if verb == 'open' then
      if call('ZCOUNT', OPENS, '(' .. exact(version), '(' .. exact(next)) > 0 then return true end
    elseif tonumber(call('HGET', LATEST, verb) or 0) > version then
      return true
    end
  end
  return false
end

-- Let go of what an operation replaces, unless another has seen what it did; name the rest.
local function replace(asked, next)
  local versions, rest = {}, ''
  local held = call('HGET', LATEST, asked.what .. '\255' .. asked.session)
  for each in string.gmatch(held or '', '%d+') do versions[#versions + 1] = tonumber(each) end
  for at = #versions, 1, -1 do
    local version = versions[at]
    if is_seen(asked.stops, version, next) then
      next = version
      if #versions - at < LOOKED_BACK then rest = exact(version) .. ' ' .. rest end
    else
      call('XDEL', OPS, exact(version) .. '-0')
      call('ZREM', LASTING, asked.session .. '\255' .. string.format('%016.0f', version))
    end
  end
  return rest
end

-- Note what an operation sets, and which verb it is.
local function remember(asked, rest, version)
  if call('HLEN', LATEST) >= MOST_LATEST then call('UNLINK', LATEST) end
  call('HSET', LATEST, asked.verb, exact(version))
  if asked.what ~= '' then
    call('HSET', LATEST, asked.what .. '\255' .. asked.session, rest .. exact(version))
  end
  call('EXPIRE', LATEST, DAY)
end

-- Take an operation where its asker knows all before it: the new version, "stale" where he
-- does not, "full" where the session has had too many.
function verbs.commit(asked)
  local began, version, floor = read_mark()
  if began ~= asked.began or version ~= asked.version then return 'stale' end
  local name, kind, rest = asked.session, asked.kind, ''
  version = version + 1
  if kind == 'open' or kind == 'close' then
    drop(LASTING, name)
    drop(RULES, name)
    call('ZREM', OPENS, name)
  elseif kind == 'reset' then
    drop(RULES, name)
  elseif kind == 'reset all' then
    drop(RULES)
  elseif asked.what ~= '' then
    rest = replace(asked, version)
  end
  if (kind == 'lasting' or kind == 'rule') and call('ZLEXCOUNT', LASTING, ends(name)) + call('ZLEXCOUNT', RULES, ends(name)) >= MOST_OPS then
    return 'full'
  end
  remember(asked, rest, version)
  if kind == 'open' then
    call('ZADD', OPENS, version, name)
    call('EXPIRE', OPENS, DAY)
  end
  if asked.forgets == null then
    for _, each in pairs(forgetting) do each() end
  else
    for _, name in ipairs(asked.forgets) do
      for _, each in pairs(forgetting) do each(name) end
    end
  end
  call('XADD', OPS, exact(version) .. '-0', 'op', ARGV[6])
  call('EXPIRE', OPS, DAY)
  if kind == 'close' then
    call('RPUSH', CLOSED, exact(version))
    call('EXPIRE', CLOSED, DAY)
    if call('LLEN', CLOSED) > MOST_SESSIONS then
      floor = tonumber(call('LPOP', CLOSED))
      call('XDEL', OPS, exact(floor) .. '-0')
    end
  elseif kind == 'open' or kind == 'lasting' then
    note(LASTING, name, version)
  else
    note(RULES, kind == 'reset all' and EVERYBODY or name, version)
  end
  write_mark(began, version, floor)
  return exact(version)
end
