package main

const (
	family   = "👩🏽\u200d👩🏽\u200d👧🏽\u200d👦🏽" // one picture of four people
	germany  = "🇩🇪"
	accented = "e\u0301"
)
