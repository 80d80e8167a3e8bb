
// Each line of the file is one delivery: a target as vegeta reads it. All VUs
// share one copy of the lines; k6 reads the file whole. A line is in an array:
// a text by itself would be frozen character by character each time.
const name = plan.files.length === 1 ? plan.files[0] : plan.files[shard() - 1];
const lines = new SharedArray('deliveries', () => open(`./${name}`).split('\n').slice(0, -1).map((line) => [line]));

// An iteration sends one payload's copies, each after the answer to the one
// before, or a single delivery where copies are mixed into the run.
const iterations = lines.length / plan.inARow;

// Values of secret headers are not in the files.
const secrets = Object.entries(plan.secrets).map(([header, variable]) => {
  if (!__ENV[variable]) {
    throw new Error(`no value for the header ${header}: set ${variable} in the environment`);
  }
  return [header, __ENV[variable]];
});

const latency = new Trend('delivery_latency', true); // from when a delivery was due
const late = new Trend('delivery_late', true); // sent after it was due
const rightAnswer = `answered ${plan.expect}`;

http.setResponseCallback(http.expectedStatuses(...plan.statuses));

export const options = {
  scenarios: {
    deliveries: {
      executor: 'shared-iterations',
      vus: Math.min(plan.concurrency, iterations),
      iterations,
      maxDuration: plan.maxDuration,
      gracefulStop: plan.gracefulStop,
    },
  },
  thresholds: plan.thresholds,
  insecureSkipTLSVerify: plan.insecure,
  discardResponseBodies: true,
  summaryTrendStats: ['min', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'],
};

function shard() {
  const n = Number(__ENV.SHARD);
  if (!Number.isInteger(n) || n < 1 || n > plan.files.length) {
    throw new Error(`say which of ${plan.files.length} shards: k6 run -e SHARD=1 deliver.js`);
  }
  return n;
}

// Whatever would send a delivery twice or not at all is refused before any.
export function setup() {
  const run = exec.test.options;
  const scenario = (run.scenarios || {}).deliveries;
  if (!scenario || scenario.iterations !== iterations) {
    exec.test.abort('--vus, --iterations, --duration and --stage replace what was planned: run it without');
  }
  // Without the sequence k6 numbers the iterations of each segment alike.
  if (run.executionSegment && !run.executionSegmentSequence) {
    exec.test.abort('--execution-segment needs --execution-segment-sequence, the same on every machine');
  }
}

export default function () {
  // Numbered over all execution segments, each number once.
  const iteration = exec.scenario.iterationInTest;
  const first = iteration * plan.inARow;
  let due = Date.now();
  if (plan.rate > 0) {
    // The whole plan's schedule, of which a shard has every n-th turn.
    const turn = plan.files.length === 1 ? iteration : iteration * plan.files.length + shard() - 1;
    const after = (turn * plan.inARow * 1000) / plan.rate;
    if (plan.duration > 0 && after >= plan.duration) {
      return;
    }
    due = exec.scenario.startTime + after;
    const wait = due - Date.now();
    if (wait > 0) {
      sleep(wait / 1000);
    }
    late.add(Math.max(0, Date.now() - due));
  }
  for (let i = first; i < first + plan.inARow; i++) {
    if (i > first) {
      if (plan.delay > 0) {
        sleep(plan.delay / 1000);
      }
      due = Date.now(); // the answer to the copy before made it due
    }
    deliver(JSON.parse(lines[i][0]), due);
  }
}

function deliver(target, due) {
  const headers = Object.fromEntries(Object.entries(target.header).map(([header, values]) => [header, values[0]]));
  for (const [header, value] of secrets) {
    headers[header] = value;
  }
  const sent = Date.now();
  const res = http.request(target.method, target.url, encoding.b64decode(target.body), {
    headers,
    timeout: plan.timeout,
    redirects: 0,
    jar: new http.CookieJar(), // nothing is carried over from an answer
  });
  if (res.status !== 0) {
    const t = res.timings;
    latency.add(Math.max(0, sent - due) + t.blocked + t.connecting + t.tls_handshaking + t.duration);
  }
  check(res, {
    [rightAnswer]: (r) => plan.statuses.some((s) => (typeof s === 'number' ? r.status === s : s.min <= r.status && r.status <= s.max)),
  });
}
