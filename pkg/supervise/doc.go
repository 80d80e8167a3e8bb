// Package supervise has a consumer under control: it starts and ends the
// process with all that it started, stands as a proxy in front of what the
// consumer uses (a database, a cache, an API) and as a stand-in for what it
// calls in turn. It can tell which step of a delivery is under way, hold it,
// lose its answer, and cut the consumer off. It knows nothing of checks.
//
//   - [Command] and [Instance]: the process
//   - [Proxy]: what stands before a dependency; [Step] is one request to it with
//     its complete answer
//   - [Recorder]: names the steps of a delivery, and holds one of them
//   - [Spy]: a stand-in for what the consumer calls
//
// All of it listens on loopback only. It is the program's own: nothing outside
// should build on it.
package supervise
