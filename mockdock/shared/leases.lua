-- What each process holds: it is given back where the process no longer says that it lives.
-- Before this file comes keeping.lua.
--
-- lease:<holder>  the serial of the lease of a process, for as long as it lives, and a little more

local LEASES = P .. 'lease:'

-- Name the lease of a holder, a new one where he has none; one that ran out never comes back.
local function lease_of(holder)
  local key = LEASES .. holder
  local serial = call('GET', key) or next_serial()
  call('SET', key, serial, 'PX', LEASED)
  return holder .. '/' .. serial, serial
end

local living = {}

local function is_alive(lease)
  local holder, serial = string.match(lease, '^(.*)/(%d+)$')
  if living[holder] == nil then living[holder] = call('GET', LEASES .. holder) end
  return living[holder] == serial
end

-- Leave out of the state of a gauge what is held by nobody any more.
local function held_still(state)
  local left = {state[1], state[2]}
  for at = 3, #state, 2 do
    if is_alive(state[at]) then
      left[#left + 1] = state[at]
      left[#left + 1] = state[at + 1]
    end
  end
  return left
end

function verbs.renew(asked)
  call('PEXPIRE', LEASES .. asked.holder, LEASED)
  return ''
end

function verbs.leave(asked)
  call('UNLINK', LEASES .. asked.holder)
  return ''
end
