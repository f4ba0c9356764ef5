-- Who was told to come back, and when: for a time that nobody waits for.
-- Before this file comes keeping.lua.

local PROMISES = P .. 'promises'

function verbs.promise(asked)
  put(PROMISES, session(asked.session) .. ':' .. asked.request, exact(asked['until']))
  return ''
end

-- The moment he was told, nothing where he was not; he is told once.
function verbs.redeem(asked)
  local place = session(asked.session, true) .. ':' .. asked.request
  local told = get(PROMISES, place, true)
  call('HDEL', PROMISES, place)
  call('HDEL', PROMISES .. ':old', place)
  return told or ''
end
