-- Copyright (C) nginx-intake contributors

-- What wrk sends:
--
--     wrk -s deliveries.lua URL -- KIND RUN N
--
-- KIND is "header" (Standard Webhooks: the id in a header), "json" (as Stripe
-- signs: the id in the body) or "same" (one delivery of "header" again and
-- again).  RUN is a word that makes the ids of this run differ from those of
-- all others.  N deliveries are signed before the clock starts; should there
-- be more, the others are signed while it runs.

local ffi = require "ffi"

ffi.cdef[[
const void *EVP_sha256(void);
unsigned char *HMAC(const void *md, const void *key, int key_len,
    const unsigned char *d, size_t n, unsigned char *out, unsigned *len);
int EVP_EncodeBlock(unsigned char *out, const unsigned char *in, int n);
]]

local crypto = ffi.load("crypto.so.3")
local digest = ffi.new("unsigned char[64]")
local text = ffi.new("unsigned char[128]")
local digits = "0123456789abcdef"

-- nginx.conf has the same; the key is what stands in base64 behind whsec_
local standard_key = "0123456789abcdef01234567"
local stripe_key = "whsec_bench"

local size = 2048    -- of the body, in bytes
local id_size = 32


local function hmac(key, data)
    crypto.HMAC(crypto.EVP_sha256(), key, #key, data, #data, digest, nil)
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


-- An event in the manner of the platforms: members of all kinds, two levels.
-- The id is to stand between what is returned.

local function document()
    local head = '{"id":"'
    local tail = '","object":"event","type":"invoice.paid",'
                 .. '"created":1700000000,"livemode":true,"data":{"lines":['
    local stop = ']},"note":"'
    local line = '{"id":"il_%04d","amount":%d,"currency":"usd",'
                 .. '"description":"Seat \\u00d7 %d","proration":false,'
                 .. '"period":{"start":1700000000,"end":1702592000},'
                 .. '"discount":null}'
    local n = 1

    while true do
        local more = (n > 1 and "," or "")
                     .. string.format(line, n, n * 1250, n)

        if #head + id_size + #tail + #more + #stop + 2 > size then
            break
        end

        tail = tail .. more
        n = n + 1
    end

    tail = tail .. stop
    tail = tail .. ("x"):rep(size - #head - id_size - #tail - 2) .. '"}'

    return head, tail
end


local function make_id(run, i)
    local id = string.format("evt_%s%09d", run, i)
    return id .. ("0"):rep(id_size - #id)
end


local time = os.time()
local head, tail = document()
local body
local front, middle, back    -- of a request, around what differs in each
local first, second = {}, {}
local sign


local function sign_header(run, i)
    local id = make_id(run, i)
    local data = id .. "." .. time .. "." .. body

    first[i] = id
    second[i] = base64(hmac(standard_key, data))
end


local function sign_json(run, i)
    local id = make_id(run, i)
    local data = time .. "." .. head .. id .. tail

    first[i] = hex(hmac(stripe_key, data))
    second[i] = id
end


local function prepare(kind)
    local text = "POST " .. wrk.path .. " HTTP/1.1\r\n"
                 .. "Host: localhost\r\n"
                 .. "User-Agent: deliveries/1.0\r\n"
                 .. "Accept: */*\r\n"
                 .. "Content-Type: application/json\r\n"
                 .. "Content-Length: " .. size .. "\r\n"

    if kind == "json" then
        sign = sign_json
        front = text .. "Stripe-Signature: t=" .. time .. ",v1="
        middle = "\r\n\r\n" .. head
        back = tail

    else
        sign = sign_header
        front = text .. "webhook-timestamp: " .. time .. "\r\nwebhook-id: "
        middle = "\r\nwebhook-signature: v1,"
        body = head .. make_id("body", 0) .. tail
        back = "\r\n\r\n" .. body
    end
end


local run, n, at


local function delivery(i)
    return front .. first[i] .. middle .. second[i] .. back
end


local function next_delivery()
    at = at + 1

    if at > n then
        sign(run, at)
    end

    return delivery(at)
end


function init(args)
    local kind = args[1]

    run, n, at = args[2], tonumber(args[3]), 0
    prepare(kind)

    if kind == "same" then
        sign(run, 0)

        -- wrk asks for it once
        wrk.format = function() return delivery(0) end
        return
    end

    for i = 1, n do
        sign(run, i)
    end

    request = next_delivery
end


function done(summary, latency, requests)
    io.write(string.format(
        "answers=%d bad=%d us=%d p50=%d p99=%d\n",
        summary.requests, summary.errors.status, summary.duration,
        latency:percentile(50), latency:percentile(99)))
end
