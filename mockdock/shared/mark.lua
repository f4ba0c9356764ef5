-- What was done to sessions, in the order it was done: every process does it again.
--
-- ops          a stream of operations by their versions, but for those that later ones undo
-- ops:mark     when all began, the last version, the last that was let go of with nothing in
--              its place, and when all this was renewed last
-- ops:lasting  the versions of what a session is, by its name: until it is opened or closed
-- ops:rules    those of what it was given since: until it is reset as well
-- ops:closed   the versions that closed sessions, for who knows them still
-- ops:latest   the versions of what was set last, by what that is, and the last one of each
--              verb: what the next of that kind replaces
-- ops:opens    the sessions that are open, by the version that opened them
-- Before this file comes keeping.lua.

local OPS, MARK, LASTING, RULES = P .. 'ops', P .. 'ops:mark', P .. 'ops:lasting', P .. 'ops:rules'
local CLOSED, LATEST, OPENS = P .. 'ops:closed', P .. 'ops:latest', P .. 'ops:opens'
local ALL = {OPS, LASTING, RULES, CLOSED, LATEST, OPENS}

local function write_mark(began, version, floor)
  local mark = table.concat({began, exact(version), exact(floor), exact(clock)}, ' ')
  call('SET', MARK, mark, 'EX', DAY)
end

-- When all began, the last version, and the last one without a trace; all begins when it is
-- asked for the first time, and again where Redis lost it.
local function read_mark()
  local mark = call('GET', MARK)
  if not mark then
    for _, each in ipairs(ALL) do call('UNLINK', each) end
    local began = exact(clock)
    write_mark(began, 0, 0)
    return began, 0, 0
  end
  local began, version, floor, renewed = string.match(mark, '^(%S+) (%S+) (%S+) (%S+)$')
  version, floor = tonumber(version), tonumber(floor)
  if math.abs(clock - tonumber(renewed)) > RENEWED then
    write_mark(began, version, floor)
    for _, each in ipairs(ALL) do call('EXPIRE', each, DAY) end
  end
  return began, version, floor
end

-- The clock of this server in microseconds, and the mark.
function verbs.look()
  local began, version, floor = read_mark()
  return table.concat({exact(clock), began, exact(version), exact(floor)}, ' ')
end
