-- To write an operation, and to forget what it undoes: see mark.lua.
-- Before this file comes every other one: a session is forgotten by all at once.

local LOOKED_BACK = 32

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

-- Let go of an operation that the next one replaces, unless another has seen what it did.
local function replace(asked)
  local stops, name = {}, asked.session
  for _, verb in ipairs(asked.stops) do stops[verb] = true end
  for _, each in ipairs(asked.what == '' and {} or call('LRANGE', RECENT, 0, LOOKED_BACK - 1)) do
    local version, verb, what, whose = string.match(each, '^(%d+)\255(.-)\255(.-)\255(.*)$')
    if what == asked.what and whose == name then
      call('XDEL', OPS, version .. '-0')
      call('ZREM', LASTING, name .. '\255' .. string.format('%016.0f', tonumber(version)))
      return
    end
    if stops[verb] then return end
  end
end

-- Take an operation where its asker knows all before it: the new version, "stale" where he
-- does not, "full" where the session has had too many.
function verbs.commit(asked)
  local began, version, floor = read_mark()
  if began ~= asked.began or version ~= asked.version then return 'stale' end
  local name, kind = asked.session, asked.kind
  version = version + 1
  if kind == 'open' or kind == 'close' then
    drop(LASTING, name)
    drop(RULES, name)
  elseif kind == 'reset' then
    drop(RULES, name)
  elseif kind == 'reset all' then
    drop(RULES)
  else
    replace(asked)
  end
  if (kind == 'lasting' or kind == 'rule') and call('ZLEXCOUNT', LASTING, ends(name)) + call('ZLEXCOUNT', RULES, ends(name)) >= MOST_OPS then
    return 'full'
  end
  call('LPUSH', RECENT, table.concat({exact(version), asked.verb, asked.what, name}, '\255'))
  call('LTRIM', RECENT, 0, LOOKED_BACK - 1)
  call('EXPIRE', RECENT, DAY)
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
