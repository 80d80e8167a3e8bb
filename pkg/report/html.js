"use strict";

// Each figure of the page gets its plot, in the order of the data.
page.data().forEach((plot, i) => page.chart(document.querySelectorAll("figure.plot")[i], plot));
