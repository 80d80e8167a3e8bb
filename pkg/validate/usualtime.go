package validate

import "encoding/binary"

const highs = 0x8080808080808080 // the high bit of each of 8 bytes

// isUsualTime reports whether b begins with a time such as
// "2006-01-02T15:04:05.000Z", quotes included, in the first 28 days of a month.
// Other times may be right as well.
func isUsualTime(b []byte) bool {
	const end = len(`"2006-01-02T15:04:05.000Z`)
	if len(b) <= end || b[0] != '"' || b[end] != '"' {
		return false
	}
	w := (*[24]byte)(b[1:])
	x0 := binary.LittleEndian.Uint64(w[0:]) ^ usualTime[0].want
	x1 := binary.LittleEndian.Uint64(w[8:]) ^ usualTime[1].want
	x2 := binary.LittleEndian.Uint64(w[16:]) ^ usualTime[2].want
	if (x0|x1|x2|(x0+usualTime[0].slack)|(x1+usualTime[1].slack)|(x2+usualTime[2].slack))&highs != 0 {
		return false
	}
	month, day := lanes(x0, 5), lanes(x1, 0)
	return month-1 < 12 && day-1 < 28 && lanes(x1, 3) < 24 && lanes(x1, 6) < 60 && lanes(x2, 1) < 60
}

// layout is what stands in 8 bytes: exclusive or with want makes digits of the
// digits where it has 0, and zeros of what is as it should be. Adding slack sets
// the high bit of what is more.
type layout struct{ want, slack uint64 }

var usualTime = [...]layout{layoutOf("0000-00-"), layoutOf("00T00:00"), layoutOf(":00.000Z")}

func layoutOf(text string) (l layout) {
	for i := range 8 {
		most := byte(0)
		if text[i] == '0' {
			most = 9
		}
		l.want |= uint64(text[i]) << (8 * i)
		l.slack |= uint64(0x7f-most) << (8 * i)
	}
	return l
}

// lanes is the number that two digits make.
func lanes(digits uint64, first int) uint64 {
	return digits>>(8*first)&0xf*10 + digits>>(8*first+8)&0xf
}
