package check

// Checks is the registry, in the order in which they run. To add a check is to
// add a row. It is read, never changed.
var Checks = []Check{
	{
		ID: "sample", Group: "accepts", Needs: Answers, Requests: 1, Smoke: true, always: true,
		Title: "accepts the documented sample", run: accepts(sample),
		Why: "the sample is the one payload that the provider promises",
		How: "delivers the sample with a made-up call, person and numbers, every other byte as documented; a 2xx passes",
	},
	{
		ID: "result-types", Group: "accepts", Needs: Answers, Requests: 13, Smoke: true,
		Title: "accepts every result type", run: accepts(resultTypes),
		Why: "a consumer tried with one outcome breaks on the first busy line",
		How: "delivers a call of each of the 13 result types; all must be answered with a 2xx",
	},
	{
		ID: "lifecycle-statuses", Group: "accepts", Needs: Answers, Requests: 4, Smoke: true,
		Title: "accepts every lifecycle status", run: accepts(lifecycleStatuses),
		Why: "the status says whether a contact is still to be called; a refused one is lost",
		How: "delivers a call of each of the 4 lifecycle statuses; all must be answered with a 2xx",
	},
	{
		ID: "directions", Group: "accepts", Needs: Answers, Requests: 3, Smoke: true,
		Title: "accepts outbound, inbound and web calls", run: accepts(directions),
		Why: "a web call has no number that it came from: fromPhoneNumber is empty",
		How: "delivers a call of each direction and a web call; all must be answered with a 2xx",
	},
	{
		ID: "optional-fields", Group: "accepts", Needs: Answers, Requests: 3, Smoke: true,
		Title: "accepts optional parts absent, null and there", run: accepts(optionalFields),
		Why: "sequence, crmSchedulingDetails and followUpMeetingDetails are not in every call",
		How: "delivers a call without them, one with null in their place, and one with every documented field; all must be answered with a 2xx",
	},
	{
		ID: "unknown-fields", Group: "accepts", Needs: Answers, Requests: 1, Smoke: true,
		Title: "accepts fields that are not documented", run: accepts(unknownFields),
		Why: "the provider may add fields at any time",
		How: "delivers a call with undocumented fields at every level; a 2xx passes",
	},
	{
		ID: "unknown-result-type", Group: "accepts", Needs: Answers, Requests: 1,
		Title: "accepts a result type that is not documented", run: worthALook(accepts(unknownResultType)),
		Why: "the provider may add a result type; a consumer that refuses it loses those calls",
		How: "delivers a call with a made-up result type; anything but a 2xx is a warning, since nobody promised one",
	},
	{
		ID: "json-forms", Group: "accepts", Needs: Answers, Requests: 3,
		Title: "accepts the same JSON in other forms", run: accepts(jsonForms),
		Why: "order of keys, white space and escapes may change with any release of the sender",
		How: "delivers calls with keys reversed, with white space between tokens and with escapes; all must be answered with a 2xx",
	},
	{
		ID: "unicode", Group: "accepts", Needs: Answers, Requests: 4,
		Title: "accepts text of any script", run: accepts(unicodeText),
		Why: "people say anything in a call; a name or a transcript that breaks the store loses it",
		How: "delivers many scripts, emoji, right-to-left and combining characters, naughty strings and an escaped NUL, which must be answered with a 2xx, and half a surrogate pair, which may be refused with a 4xx (a warning)",
	},
	{
		ID: "large-payload", Group: "accepts", Needs: Answers, Requests: 2,
		Title: "accepts long calls", run: accepts(largePayload),
		Why: "hours of talk are one transcript; default limits of 100 KB refuse it",
		How: "delivers a transcript of 1 MiB and a list of 10,000 outcomes; both must be answered with a 2xx",
	},
	{
		ID: "charset", Group: "accepts", Needs: Answers, Requests: 1,
		Title: "accepts application/json; charset=utf-8", run: accepts(charset),
		Why: "a Content-Type compared as a whole refuses its parameters",
		How: "delivers a call with that Content-Type; a 2xx passes",
	},
	{
		ID: "chunked", Group: "accepts", Needs: Answers, Requests: 1,
		Title: "accepts a body in chunks", run: accepts(chunked),
		Why: "a sender that streams gives no Content-Length; a proxy on the way may do so too",
		How: "delivers a call with Transfer-Encoding: chunked; a 2xx passes",
	},
	{
		ID: "gzip", Group: "accepts", Needs: Answers, Requests: 1, Asked: true,
		Title: "accepts a gzip body", run: accepts(gzipped),
		Why: "nothing says that bodies come compressed, so this is asked only by name",
		How: "delivers a call with Content-Encoding: gzip; a 2xx passes, a 4xx is a warning",
	},

	{
		ID: "repeat", Group: "idempotency", Needs: Effects, Requests: 2, Smoke: true,
		Title: "makes one effect of a repeat", run: repeat,
		Why: "deliveries may repeat; each repeat that counts is a double booking",
		How: "delivers a call and then the same bytes again; both must be answered with a 2xx, and have one effect",
	},
	{
		ID: "together", Group: "idempotency", Needs: Effects, Requests: rounds * copies, Smoke: true,
		Title: "makes one effect of copies at one instant", run: together,
		Why: "look-then-insert lets two copies through when both look first",
		How: "delivers 5 calls in 8 copies each on 8 connections, the last bytes released together; each call must have one effect",
	},
	{
		ID: "other-bytes", Group: "idempotency", Needs: Effects, Requests: 3, Smoke: true,
		Title: "knows a repeat in other bytes", run: otherBytes,
		Why: "callId is the key, not a hash of the body: encoders differ",
		How: "delivers a call three times: as it is, with white space, with its keys in another order; it must have one effect",
	},
	{
		ID: "later-content", Group: "idempotency", Needs: Effects, Requests: 2,
		Title: "makes one effect of a call that says more later", run: laterContent,
		Why: "a call may be delivered again once its analysis is done",
		How: "delivers a call twice with another summary; it must have one effect; says which was kept where the probe's output shows it",
	},
	{
		ID: "after-others", Group: "idempotency", Needs: Effects, Requests: others + 2,
		Title: "knows a repeat after 100 other calls", run: afterOthers,
		Why: "a small cache of ids forgets",
		How: "delivers a call, 100 others, and the first again; it must have one effect",
	},
	{
		ID: "after-pause", Group: "idempotency", Needs: Effects, Requests: 2,
		Title: "knows a repeat after a pause", run: afterPause,
		Why: "the repeat of a delivery that timed out comes later",
		How: "delivers a call, waits for --pause, and delivers it again; it must have one effect",
	},
	{
		ID: "lost-ack", Group: "idempotency", Needs: Effects, Requests: 6, Smoke: true,
		Title: "survives a lost acknowledgement", run: lostAck,
		Why: "when the connection drops before the answer, the sender cannot know, and repeats",
		How: "delivers 3 calls, drops the connection after the body (twice in order, once by a reset) and delivers each again; each must have one effect",
	},
	{
		ID: "failed-first", Group: "idempotency", Needs: Effects, Requests: 4, Smoke: true,
		Title: "takes a call whose first attempt failed", run: failedFirst,
		Why: "a consumer that marks a call as seen before it is stored drops the retry",
		How: "sends the first half of a payload, once as a connection that breaks off and once as a whole request, and then the whole payload; each call must have one effect",
	},
	{
		ID: "in-flight", Group: "idempotency", Needs: Effects, Requests: 6,
		Title: "knows a repeat while the first is unanswered", run: inFlight,
		Why: "a sender that timed out repeats while the first delivery is still at work",
		How: "holds back the last byte of a call, delivers the same call on another connection, then lets the byte go, three times; each call must have one effect",
	},
	{
		ID: "same-person", Group: "idempotency", Needs: Effects, Requests: 2, Smoke: true,
		Title: "keeps two calls of one person apart", run: samePerson,
		Why: "a consumer that keys on the phone number loses the second call",
		How: "delivers two calls that differ in nothing but callId; each must have one effect",
	},
	{
		ID: "missing-call-id", Group: "idempotency", Needs: Answers, Requests: 6, Smoke: true,
		Title: "makes no record of a call without an id", run: missingCallID,
		Why: "calls without an id all become one blank record, each over the last",
		How: "delivers calls with callId missing, null and empty: a 4xx passes; without a probe a 2xx fails, with one it fails where a record appears under a blank id, and is a warning otherwise",
	},
	{
		ID: "none-lost", Group: "idempotency", Needs: Effects, Requests: burst,
		Title: "keeps every call that it acknowledged", run: noneLost,
		Why: "a consumer that answers before it stores loses what it cannot store",
		How: "delivers 50 calls at one instant; every one that was acknowledged must have one effect",
	},

	{
		ID: "budget", Group: "speed", Needs: Answers, Requests: warmCalls, Smoke: true, alone: true,
		Title: "answers within the budget", run: within(warm),
		Why: "a slow acknowledgement is a time-out at the sender, and a time-out is a repeat",
		How: "delivers 30 calls one after the other on a kept-alive connection and holds the time to each answer against --budget",
	},
	{
		ID: "budget-cold", Group: "speed", Needs: Answers, Requests: coldCalls, alone: true,
		Title: "answers within the budget on new connections", run: within(cold),
		Why: "a sender that keeps no connection pays for a new one each time",
		How: "delivers 10 calls, each on a connection of its own, and holds the time from connecting to the answer against --budget",
	},
	{
		ID: "budget-burst", Group: "speed", Needs: Answers, Requests: burst, alone: true,
		Title: "answers within the budget in a burst of 50", run: within(crowded),
		Why: "a campaign ends many calls at once",
		How: "delivers 50 calls at one instant and holds the time to each answer against --budget",
	},
	{
		ID: "size-slope", Group: "speed", Needs: Answers, Requests: 3 * slopeCalls, alone: true,
		Title: "answers a long call as fast as a short one", run: sizeSlope,
		Why: "work before the answer grows with the transcript, until it is a time-out",
		How: "delivers transcripts of 1 KiB, 256 KiB and 1 MiB, 3 of each; when the longest take 400 ms more than the shortest after the last byte was sent it is a warning",
	},
	{
		ID: "burst", Group: "speed", Needs: Answers, Requests: largeBurst, alone: true,
		Title: "refuses nothing in a burst of 500", run: largeBurstTaken,
		Why: "a 5xx or a refused connection under load is a delivery that has to be sent again",
		How: "delivers 500 calls on 500 connections at one instant; all must be answered with a 2xx; a 429 is a warning",
	},

	{
		ID: "https", Group: "security", Needs: Answers, always: true,
		Title: "is reached over https with a valid certificate", run: https,
		Why: "payloads hold names, numbers and transcripts",
		How: "looks at the URL and the certificate of an endpoint that is not on this machine: http or a certificate that cannot be trusted fails, one that expires within 14 days is a warning",
	},
	{
		ID: "secret", Group: "security", Needs: Answers, Requests: 2 * maxSecrets, Smoke: true,
		Title: "insists on its secret", run: secretRequired,
		Why: "anybody who knows the URL could make up calls",
		How: "for each secret header of -H or of the named endpoint: delivers without it and with a wrong value; both must be refused, and have no effect",
	},
	{
		ID: "no-redirect", Group: "security", Needs: Answers, Requests: 1, Smoke: true, always: true,
		Title: "answers without a redirect", run: noRedirect,
		Why: "a sender need not follow a redirect, and one that does may turn the POST into a GET",
		How: "delivers a plain call; a 3xx fails",
	},
	{
		ID: "no-echo", Group: "security", Needs: Answers, Requests: 4,
		Title: "keeps personal data and stack traces to itself", run: noEcho,
		Why: "answers end up in the sender's logs",
		How: "delivers a good call, a repeat of it and two bad ones: an answer that repeats name, number or summary, or holds a stack trace, in its header or the first 1 MiB of its body, fails; of a longer one the rest stays undecided",
	},

	{
		ID: "malformed-json", Group: "robustness", Needs: Answers, Requests: 5, Smoke: true,
		Title: "refuses malformed JSON without 5xx", run: refuses(malformedJSON),
		Why: "a 5xx asks for the same body again and again; a 2xx throws it away unseen",
		How: "delivers bodies that are no JSON: a 4xx passes; a 5xx fails, and so does a 2xx, unless a probe shows that no record came of it (a warning); a good call afterwards must be taken",
	},
	{
		ID: "wrong-types", Group: "robustness", Needs: Answers, Requests: 7,
		Title: "refuses values of wrong types without 5xx", run: refuses(wrongTypes),
		Why: "what is not checked at the door breaks the code behind it",
		How: "delivers calls with callId an object or a list, judged as malformed JSON is, and with callId a number and callResult or resultType of a wrong type, where a 2xx is a warning",
	},
	{
		ID: "not-an-object", Group: "robustness", Needs: Answers, Requests: 6,
		Title: "refuses what is no payload without 5xx", run: refuses(notAnObject),
		Why: "health checks, scanners and mistakes send empty bodies and lists",
		How: "delivers an empty body, a list, null, a string and an empty object; judged as malformed JSON is",
	},
	{
		ID: "content-type", Group: "robustness", Needs: Answers, Requests: 4,
		Title: "answers a wrong Content-Type without 5xx", run: contentTypes,
		Why: "a proxy may change or drop the header",
		How: "delivers calls as text/plain, as a form and without a Content-Type: to take and to refuse them is right, a 5xx fails",
	},
	{
		ID: "methods", Group: "robustness", Needs: Answers, Requests: 3,
		Title: "answers GET and PUT without 5xx", run: methods,
		Why: "people open the URL in a browser, and scanners try everything",
		How: "sends GET, and PUT with a payload: a 5xx fails, a 2xx for PUT is a warning",
	},
	{
		ID: "truncated-body", Group: "robustness", Needs: Answers, Requests: 3,
		Title: "takes no body that breaks off", run: refuses(truncatedBody),
		Why: "connections drop; half a call is no call",
		How: "announces a body and sends only a part of it: a 4xx or a closed connection passes, a 2xx or a 5xx fails; a good call afterwards must be taken",
	},
	{
		ID: "slow-sender", Group: "robustness", Needs: Answers, Requests: 2,
		Title: "serves others while one sender is slow", run: slowSender,
		Why: "a server that reads one body at a time stands still on a bad line",
		How: "sends a body in 8 pieces over 2 s, and another call before its last byte: both must be answered with a 2xx, the other one within 3 s and first",
	},
	{
		ID: "huge-header", Group: "robustness", Needs: Answers, Requests: 2,
		Title: "survives a header of 32 KiB", run: hugeHeader,
		Why: "cookies and tracing headers grow",
		How: "sends a call with such a header: taken, refused or hung up on, but no 5xx; a good call afterwards must be taken",
	},
	{
		ID: "poison", Group: "robustness", Needs: Answers, Requests: 8,
		Title: "goes on after a bad payload", run: poison,
		Why: "one payload that cannot be worked on must not block the queue",
		How: "alternates 4 bad payloads with 4 good ones: every good one must be answered with a 2xx and, where a probe counts, have one effect",
	},
	{
		ID: "alive", Group: "robustness", Needs: Answers, Requests: 1, Smoke: true,
		Title: "is alive after all that", run: alive,
		Why: "a consumer that falls over later falls over in the night",
		How: "delivers a plain call at the end of the run; a 2xx passes",
	},
}
