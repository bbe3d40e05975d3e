-- Copyright (C) nginx-intake contributors

-- What wrk sends:
--
--     wrk -s deliveries.lua URL -- KIND RUN N [FILE]
--
-- KIND is "header" (Standard Webhooks: the id in a header), "json" (as Stripe
-- signs: the id in the body) or "same" (one delivery of "header" again and
-- again).  RUN is a word that makes the ids of this run differ from those of
-- all others.  N deliveries are signed before the clock starts, or read from
-- FILE if a run before has left them there; should there be more, the others
-- are signed while it runs.

local ffi = require "ffi"

ffi.cdef[[
const void *EVP_sha256(void);
unsigned char *HMAC(const void *md, const void *key, int key_len,
    const unsigned char *d, size_t n, unsigned char *out, unsigned *len);
int EVP_EncodeBlock(unsigned char *out, const unsigned char *in, int n);
]]

local crypto = ffi.load("crypto.so.3")
local sha256 = crypto.EVP_sha256()
local digest = ffi.new("unsigned char[64]")
local text = ffi.new("unsigned char[128]")
local digits = "0123456789abcdef"

-- nginx.conf has the same; the key is what stands in base64 behind whsec_
local standard_key = "0123456789abcdef01234567"
local stripe_key = "whsec_bench"

local size = 2048    -- of the body, in bytes
local id_size = 32
local time = os.time()

local run
local ids, signatures = {}, {}
local front, middle    -- of the head of a request
local sign, delivery


local function hmac(key, data)
    crypto.HMAC(sha256, key, #key, data, #data, digest, nil)
    return digest
end


local function base64(bytes)
    return ffi.string(text, crypto.EVP_EncodeBlock(text, bytes, 32))
end


local function hex(bytes)
    for i = 0, 31 do
        text[2 * i] = digits:byte(bit.rshift(bytes[i], 4) + 1)
        text[2 * i + 1] = digits:byte(bit.band(bytes[i], 15) + 1)
    end

    return ffi.string(text, 64)
end


-- The elements of a JSON array, n bytes of them.

local function elements(n)
    local line = '{"id":"il_%04d","amount":%d,"currency":"usd",'
                 .. '"description":"Seat \\u00d7 %d","proration":false,'
                 .. '"period":{"start":1700000000,"end":1702592000},'
                 .. '"discount":null},'
    local list, i = "", 0

    while #list + #line + 10 < n do
        list = list .. line:format(i, i * 1250, i)
        i = i + 1
    end

    return list .. '"' .. ("x"):rep(n - #list - 2) .. '"'
end


-- The parts of an event in the manner of the platforms: members of all kinds,
-- in three levels.  Its id stands between the parts, twice.
--
-- LuaJIT tells strings apart by a few of their bytes, of which some are in the
-- middle: the ids stand where they tell both requests and bodies apart, here
-- and in OpenResty, as the contents of true events would.

local function document()
    local first = '{"object":"event","type":"invoice.paid",'
                  .. '"created":1700000000,"livemode":true,"lines":['
    local second = '","more":['
    local third = '","rest":['
    local stop = { '],"request":"', '],"id":"', ']}' }

    first = first .. elements(876 - #first - #stop[1]) .. stop[1]
    second = second .. elements(92 - #second - #stop[2]) .. stop[2]
    third = third .. elements(size - 1000 - id_size - #third - #stop[3])
            .. stop[3]

    return first, second, third
end


local first, second, third = document()


local function body(id)
    return first .. id .. second .. id .. third
end


local function sign_header(i)
    local data = ids[i] .. "." .. time .. "." .. body(ids[i])
    signatures[i] = base64(hmac(standard_key, data))
end


local function header_delivery(i)
    local id = ids[i]

    return front .. id .. middle .. signatures[i] .. "\r\n\r\n"
           .. first .. id .. second .. id .. third
end


local function sign_json(i)
    signatures[i] = hex(hmac(stripe_key, time .. "." .. body(ids[i])))
end


local function json_delivery(i)
    local id = ids[i]

    return front .. signatures[i] .. "\r\n\r\n"
           .. first .. id .. second .. id .. third
end


local function prepare(i)
    ids[i] = "evt_" .. hex(hmac(run, tostring(i))):sub(1, id_size - 4)
    sign(i)
end


-- The first line is the time, the others are an id and its signature.

local function read(path)
    local file = path and io.open(path)

    if not file then
        return false
    end

    time = file:read("*n", "*l")

    for line in file:lines() do
        local i = #ids + 1
        ids[i], signatures[i] = line:match("^(%S+) (%S+)$")
    end

    file:close()

    return true
end


local function write(path)
    local file = assert(io.open(path, "w"))

    file:write(time, "\n")

    for i = 1, #ids do
        file:write(ids[i], " ", signatures[i], "\n")
    end

    file:close()
end


function init(args)
    local kind, n, path = args[1], tonumber(args[3]), args[4]
    local at = 0

    run = args[2]

    if kind == "json" then
        sign, delivery = sign_json, json_delivery

    else
        sign, delivery = sign_header, header_delivery
    end

    if kind == "same" then
        prepare(1)

    elseif not read(path) then
        for i = 1, n do
            prepare(i)
        end

        if path then
            write(path)
        end
    end

    front = "POST " .. wrk.path .. " HTTP/1.1\r\n"
            .. "Host: localhost\r\n"
            .. "User-Agent: deliveries/1.0\r\n"
            .. "Accept: */*\r\n"
            .. "Content-Type: application/json\r\n"
            .. "Content-Length: " .. size .. "\r\n"

    if kind == "json" then
        front = front .. "Stripe-Signature: t=" .. time .. ",v1="

    else
        front = front .. "webhook-timestamp: " .. time .. "\r\nwebhook-id: "
        middle = "\r\nwebhook-signature: v1,"
    end

    if kind == "same" then

        -- wrk asks for it once
        wrk.format = function() return delivery(1) end
        return
    end

    request = function()
        at = at + 1

        if not ids[at] then
            prepare(at)
        end

        return delivery(at)
    end
end


function done(summary, latency, requests)
    io.write(string.format(
        "answers=%d bad=%d us=%d p50=%d p99=%d\n",
        summary.requests, summary.errors.status, summary.duration,
        latency:percentile(50), latency:percentile(99)))
end
