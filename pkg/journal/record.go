package journal

import (
	"github.com/julianctl/julianctl/pkg/index"
	"github.com/julianctl/julianctl/pkg/record"
)

// These are what a log holds.
type (
	// Delivery is one request as it came.
	Delivery = record.Delivery
	// Outcome is what became of a delivery.
	Outcome = record.Outcome
	// Contact is who was called, and how, as the payload has it.
	Contact = record.Contact
	// Forward is what the endpoint behind the receiver answered.
	Forward = record.Forward
	// Answer is what an endpoint said beside its status.
	Answer = record.Answer
	// Attempt is one redelivery of a delivery that is in the log.
	Attempt = record.Attempt
	// Entry is a delivery with its outcome, as the queries return it.
	Entry = record.Entry
)

type (
	// Filter chooses deliveries.
	Filter = index.Filter
	// IDs are the ids from one to another, both included.
	IDs = index.IDs
	// Position is where a log stands.
	Position = index.Position
	// Stats sums up deliveries.
	Stats = index.Stats
	// Timeline is how deliveries came over the time.
	Timeline = index.Timeline
	// Span is one span of a timeline.
	Span = index.Span
	// Count is how often something came.
	Count = index.Count
	// Part is a count in one part of the time.
	Part = index.Part
	// Percentiles are those of latencies.
	Percentiles = index.Percentiles
	// Verified is what a log was found to hold.
	Verified = index.Verified
	// Prune says what is to go.
	Prune = index.Prune
	// Prunable is what would go.
	Prunable = index.Prunable
)

// MaxAnswer is how many bytes of an answer's body are stored.
const MaxAnswer = record.MaxAnswer

// Redelivered is the verdict of what failed at first, and was acknowledged since.
const Redelivered = record.Redelivered
