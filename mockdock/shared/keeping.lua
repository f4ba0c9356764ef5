-- What a step is asked, and how it is kept: once, bounded, and no longer than it is used.
--
-- KEYS[1]  what all keys begin with
-- ARGV     the verb; who asks and the number of the question, "" and 0 where asking twice
--          does no harm; the last moment to answer it, in microseconds of this server's
--          clock; what is asked, as JSON; then prefixes of prompts, as they are
-- Before this file come the bounds, see scripts.py.

local P, call, null = KEYS[1], redis.call, cjson.null
local verb, asker, number, latest = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local time = call('TIME')
local clock = tonumber(time[1]) * 1000000 + tonumber(time[2])

-- Who asked has given up by now, or has asked again and got his answer: count nothing.
local late = {err = 'LATE the moment to answer this has gone by'}
if clock > latest then return late end
local kept_at = P .. 'kept:' .. asker .. ':' .. number % KEPT
if asker ~= '' then
  local kept = call('GET', kept_at)
  if kept then
    local of, result = string.match(kept, '^(%d+) (.*)$')
    if tonumber(of) == number then return result end
    if tonumber(of) > number then return late end
  end
end

local SESSIONS, SERIAL, BEGUN = P .. 'sessions', P .. 'serial', P .. 'begun'
local MAPS = {}
for _, name in ipairs({'asked', 'prefixes', 'request', 'server', 'meters', 'settled'}) do
  MAPS[name] = P .. name
end

-- Maps are bounded by generations: what is used is in the younger of two, and what was not
-- used for a whole generation goes with the older. The last MOST_COUNTS used are always there.
local function put(map, ...)
  local added = call('HSET', map, ...)
  if added == 0 then return end
  local length = call('HLEN', map)
  if length == added then call('EXPIRE', map, DAY) end
  if length >= MOST_COUNTS then
    call('UNLINK', map .. ':old')
    call('RENAME', map, map .. ':old')
  end
end

local function get(map, field, quiet)
  local value = call('HGET', map, field)
  if value then return value end
  value = call('HGET', map .. ':old', field)
  if value and not quiet then put(map, field, value) end
  return value
end

local function exact(value)
  return string.format('%.17g', value)
end

-- Serials are never given twice, not even by a server that lost all it knew.
local function next_serial()
  local serial = call('INCR', SERIAL)
  if serial == 1 then
    serial = clock
    call('SET', SERIAL, exact(serial), 'EX', DAY)
    call('SET', BEGUN, exact(serial - 1), 'EX', DAY)
  end
  return exact(serial)
end

-- Lists are worked off in parts, since a call takes no more than some thousands of words.
local MANY = 500

local function forget(names)
  for from = 1, #names, MANY do
    local upto, gone = math.min(#names, from + MANY - 1), {}
    for at = from, upto do
      local key = P .. 'session:' .. names[at]
      local used = P .. 'used:' .. (call('HGET', key, 'serial') or '')
      for _, each in ipairs({key, used, used .. ':old'}) do gone[#gone + 1] = each end
    end
    call('UNLINK', unpack(gone))
    call('ZREM', SESSIONS, unpack(names, from, upto))
  end
end

local function renew(key, serial)
  local used = P .. 'used:' .. serial
  for _, each in ipairs({key, used, used .. ':old', SESSIONS, SERIAL, BEGUN}) do
    call('EXPIRE', each, DAY)
  end
  for _, map in pairs(MAPS) do
    call('EXPIRE', map, DAY)
    call('EXPIRE', map .. ':old', DAY)
  end
end

-- Give the serial of a session, which begins where it is not known. To look `quiet`ly at one
-- that is not there gives the serial -1, under which nothing is ever kept; 0 is the server's.
local function session(name, quiet)
  local key = P .. 'session:' .. name
  local held = call('HMGET', key, 'serial', 'renewed')
  local serial, renewed = held[1], held[2]
  if quiet then return serial or '-1' end
  if not serial then
    serial = next_serial()
    call('HSET', key, 'serial', serial, 'renewed', clock)
    renew(key, serial)
  elseif math.abs(clock - tonumber(renewed)) > RENEWED then
    call('HSET', key, 'renewed', clock)
    renew(key, serial)
  end
  if call('ZADD', SESSIONS, clock, name) == 1 then
    local length = call('ZCARD', SESSIONS)
    if length == 1 then call('EXPIRE', SESSIONS, DAY) end
    if length > MOST_SESSIONS then
      local oldest = call('ZRANGE', SESSIONS, 0, 1)
      forget({oldest[1] == name and oldest[2] or oldest[1]})
    end
  end
  return serial
end

-- Named states are held as JSON, by names in JSON: only Python reads and writes them.
local function states_of(name)
  local held, states = call('HGETALL', P .. 'session:' .. name), {}
  for at = 1, #held, 2 do
    if string.sub(held[at], 1, 1) == '=' then states[string.sub(held[at], 2)] = held[at + 1] end
  end
  return states
end

local function apply(name, changes)
  for _, change in ipairs(changes) do
    if change[2] == null then
      call('HDEL', P .. 'session:' .. name, '=' .. change[1])
    else
      call('HSET', P .. 'session:' .. name, '=' .. change[1], change[2])
    end
  end
end

-- What can be asked, by name: each takes what is asked, and gives a string.
local verbs = {}

-- What forgets a session, by its name as it is kept, or everything where it is nil: each
-- part of the script adds its own.
local forgetting = {}
