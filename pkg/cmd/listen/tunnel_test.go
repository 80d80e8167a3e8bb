package listen

import "testing"

func TestTunnelURLs(t *testing.T) {
	tests := []struct{ program, line, want string }{
		{"cloudflared", "2023-04-18T14:06:49Z INF |  https://buffalo-marco.trycloudflare.com           |", "https://buffalo-marco.trycloudflare.com"},
		{"cloudflared", "2022-11-11T19:57:55Z INF Requesting new quick Tunnel on trycloudflare.com...", ""},
		{"cloudflared", `failed: Post "https://api.trycloudflare.com/tunnel": dial tcp`, ""},
		{"cloudflared", "retry https://api.trycloudflare.com/tunnel", ""},
		{"cloudflared", "see https://evil.example/x.trycloudflare.com", ""},
		{"ngrok", `{"addr":"http://localhost:1","lvl":"info","msg":"started tunnel","url":"https://ab.ngrok-free.app"}`, "https://ab.ngrok-free.app"},
		{"ngrok", `{"msg":"client session established","url":"https://x.example"}`, ""},
		{"ngrok", `{"msg":"started tunnel","url":"tcp://0.tcp.ngrok.io:17585"}`, ""},
		{"ngrok", "not json", ""},
		{"tailscale", "https://host.tail1.ts.net/", "https://host.tail1.ts.net"},
		{"tailscale", "https://host.tail1.ts.net:8443/ (Funnel on)", "https://host.tail1.ts.net:8443"},
		{"tailscale", "visit: https://login.tailscale.com/f/funnel?node=x", ""},
	}
	for _, tt := range tests {
		for _, p := range tunnelPrograms() {
			if got := p.url(tt.line); p.name == tt.program && got != tt.want {
				t.Errorf("%s %q: %q", tt.program, tt.line, got)
			}
		}
	}
}
