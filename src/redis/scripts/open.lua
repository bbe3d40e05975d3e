--
-- Copyright (C) nginx-intake contributors
--
-- Some of the conversations of a lane in which somebody waits, with the times
-- of their messages, for a calendar that has changed.
--
-- KEYS[1]   P:sla:wait:LANE.  The keys of the conversations are made of it
-- ARGV[1]   a cursor, "0" at first
-- ARGV[2]   about how many
--
-- Returns {CURSOR, CONVERSATIONS}: "0", or where the next call goes on; and
-- {H, PAUSED, TIER, TIME, TIER, TIME, ...} each, the time at which its clock
-- was paused, or -1, and the tier and time of each message, oldest first.
-- Some may come twice, as with ZSCAN.
--


local prefix = string.match(KEYS[1], '^(.*:sla:)wait:') .. 'c:'
local found = redis.call('ZSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local conversations = {}

for i = 1, #found[2], 2 do
    local member = found[2][i]
    local raw = redis.call('GET', prefix .. member)

    if raw then
        local _, P, _, _, _, _, _, _, paused = cmsgpack.unpack(raw)
        local row = { member, paused or -1 }

        for j = 1, #P, 5 do
            row[#row + 1] = P[j + 4]
            row[#row + 1] = P[j]
        end

        conversations[#conversations + 1] = row
    end
end

return { found[1], conversations }
