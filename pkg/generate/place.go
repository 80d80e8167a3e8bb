package generate

import (
	"strconv"
	"time"
)

// place is where contacts are: a time zone, a block of phone numbers, and a
// language.
type place struct {
	zone   string
	ahead  int    // minutes of standard time ahead of UTC
	prefix string // of the numbers, E.164
	digits int    // behind the prefix
	low    int    // of the first number
	high   int    // of the last number
	lang   *language
}

// places has all places. The numbers reach no one: the authorities reserve them for
// films and books.
//
//   - North America: 555-0100 to 555-0199 in each area code, by the 555 NXX
//     Assignment Guidelines (ATIS-0300115).
//   - United Kingdom: 020 7946 0000 to 0999 and 07700 900000 to 900999, by
//     Ofcom's "Telephone numbers for use in TV and radio drama programmes".
//   - Ireland: 020 91x xxxx, by ComReg's numbering conditions of use (drama).
//   - France: 01 99 00 xx xx and 06 39 98 xx xx, by Arcep's decision 2018-0881,
//     article 2.5.12.
//   - Germany: 030 23125 000 to 999, 040 66969 000 to 999 and 089 99998 000 to
//     999, by the Bundesnetzagentur's numbers for media productions.
//   - Sweden: 08-465 004 00 to 99 and 070-174 06 05 to 99, by the PTS's numbers
//     for books and films.
//   - Australia: (02) 5550 xxxx, (02) 7010 xxxx and (08) 5550 xxxx, by the
//     ACMA's numbers for use in TV shows, films and creative works.
var places = [...]place{
	{"America/New_York", -5 * 60, "+1212555", 4, 100, 199, &english},
	{"America/New_York", -5 * 60, "+1305555", 4, 100, 199, &spanish},
	{"America/Chicago", -6 * 60, "+1312555", 4, 100, 199, &english},
	{"America/Denver", -7 * 60, "+1303555", 4, 100, 199, &english},
	{"America/Los_Angeles", -8 * 60, "+1213555", 4, 100, 199, &spanish},
	{"America/Los_Angeles", -8 * 60, "+1415555", 4, 100, 199, &english},
	{"America/Toronto", -5 * 60, "+1416555", 4, 100, 199, &english},
	{"America/Toronto", -5 * 60, "+1514555", 4, 100, 199, &french},
	{"Europe/London", 0, "+44207946", 4, 0, 999, &english},
	{"Europe/London", 0, "+447700900", 3, 0, 999, &english},
	{"Europe/Dublin", 0, "+3532091", 5, 0, 99999, &english},
	{"Europe/Paris", 60, "+3319900", 4, 0, 9999, &french},
	{"Europe/Paris", 60, "+3363998", 4, 0, 9999, &french},
	{"Europe/Berlin", 60, "+493023125", 3, 0, 999, &german},
	{"Europe/Berlin", 60, "+494066969", 3, 0, 999, &german},
	{"Europe/Berlin", 60, "+498999998", 3, 0, 999, &german},
	{"Europe/Stockholm", 60, "+468465004", 2, 0, 99, &swedish},
	{"Europe/Stockholm", 60, "+46701740", 3, 605, 699, &swedish},
	{"Australia/Sydney", 10 * 60, "+6125550", 4, 0, 9999, &english},
	{"Australia/Sydney", 10 * 60, "+6127010", 4, 0, 9999, &chinese},
	{"Australia/Perth", 8 * 60, "+6185550", 4, 0, 9999, &english},
}

// contact is called once or more.
type contact struct {
	sequence   string // id
	place      *place
	first      string
	name       string // first and family name
	company    string
	phone      string
	ext        string
	agentPhone string // that the agent calls from
}

func (g *Generator) contact() contact {
	p := &places[g.rng.IntN(len(places))]
	first := g.pick(p.lang.names)
	c := contact{
		sequence:   g.id("call-sequence."),
		place:      p,
		first:      first,
		name:       first + " " + Surname,
		company:    companies[g.rng.IntN(len(companies))],
		phone:      g.phone(p),
		agentPhone: g.phone(p),
	}
	if g.rng.IntN(8) == 0 {
		c.ext = strconv.Itoa(100 + g.rng.IntN(900))
	}
	return c
}

// phone is one of the numbers of a place.
func (g *Generator) phone(p *place) string {
	n := p.low + g.rng.IntN(p.high-p.low+1)
	return string(appendDigits([]byte(p.prefix), n, p.digits))
}

// companies are invented names.
var companies = [...]string{
	"Example Logistics", "Example & Sons", "Sample Software", "Specimen Foods", "Placeholder Partners",
	"Test Mills", "Example Energy", "Sample Print", "Specimen Labs", "Placeholder Travel",
}

// epoch is the Monday on which synthetic calls begin.
var epoch = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// workingDays is how many days from epoch on calls are made; a sequence may
// end a few days later.
const workingDays = 200

// millisecondsOfWork is how long a working day is.
const millisecondsOfWork = 8 * 60 * 60 * 1000

// moment returns a time on a working day at a place, between 9:00 and 17:00 standard
// time.
func (g *Generator) moment(p *place, day int) time.Time {
	begins := epoch.AddDate(0, 0, day/5*7+day%5).Add(time.Duration(9*60-p.ahead) * time.Minute)
	return begins.Add(time.Duration(g.rng.IntN(millisecondsOfWork)) * time.Millisecond)
}
