-- Metrics: what all processes have counted since Redis began.
-- Before this file comes keeping.lua.
--
-- Totals are numbers by field: family, dialect and what else tells it apart, without spaces,
-- then the name of a rule or limit. What is open now, each process keeps for itself, and
-- renews; what was open in one that was killed is gone after a minute.

local TOTALS, NAMED, RUNNING = P .. 'totals', P .. 'named', P .. 'running'

-- The field, or that of all names beyond the first MOST_NAMES.
local function field_of(field)
  if call('HEXISTS', TOTALS, field) == 1 then return field end
  local head, dialect, name = string.match(field, '^(%S* (%S*) %S* )(.*)$')
  local named = dialect .. ' ' .. name
  if call('SISMEMBER', NAMED, named) == 1 then return field end
  if call('SCARD', NAMED) >= MOST_NAMES then return head .. 'other' end
  call('SADD', NAMED, named)
  return field
end

local function keep_open(process, fields)
  local open = P .. 'open:' .. process
  call('UNLINK', open)
  call('ZREMRANGEBYSCORE', RUNNING, '-inf', exact(clock - MINUTE * 1000000))
  if not fields[1] then return call('ZREM', RUNNING, process) end
  for _, each in ipairs(fields) do call('HINCRBYFLOAT', open, field_of(each[1]), each[2]) end
  call('EXPIRE', open, MINUTE)
  call('ZADD', RUNNING, clock, process)
  call('EXPIRE', RUNNING, MINUTE)
end

-- Parts have numbers of their own: one that was told to have failed comes again, maybe much
-- later, and counts once.
function verbs.count(asked)
  local last = P .. 'counted:' .. asked.process
  if tonumber(call('GET', last) or 0) >= asked.number then return '' end
  call('SET', last, exact(asked.number), 'EX', DAY)
  for _, each in ipairs(asked.added) do
    call('HINCRBYFLOAT', TOTALS, field_of(each[1]), each[2])
  end
  if asked.open ~= null then keep_open(asked.process, asked.open) end
  call('EXPIRE', TOTALS, DAY)
  call('EXPIRE', NAMED, DAY)
  return ''
end

function verbs.counted()
  local open = {}
  for _, process in ipairs(call('ZRANGE', RUNNING, 0, -1)) do
    open[#open + 1] = call('HGETALL', P .. 'open:' .. process)
  end
  return cjson.encode({call('HGETALL', TOTALS), open})
end
