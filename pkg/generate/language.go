package generate

// language has the phrases of calls in one language. A phrase is one turn or more,
// each on its own line after its speaker. {name} is the contact's first name,
// {company} the company, {number} a number from 2 to 99.
type language struct {
	names     []string // first names
	greetings []string // beginnings of a call
	questions []string // questions and answers, in this order
	details   []string // more questions, in any order and number
	agreed    []string // endings of a call, by result
	declined  []string
	optedOut  []string
	moved     []string
	silent    []string
	messages  []string // for a voicemail
}

var english = language{
	names: []string{"Amelia", "Oliver", "Priya", "Marcus", "Grace", "Ethan", "Aoife", "Daniel", "Naomi", "Samuel", "Chloe", "Isaac"},
	greetings: []string{
		"Agent: Hello, is this {name}?\nUser: Speaking.\nAgent: This is Julian, an assistant. I'm calling about the request from {company}. Is this a good time?",
		"User: Hello?\nAgent: Hi {name}, this is Julian. You asked for a call about {company}. Do you have two minutes?",
	},
	questions: []string{
		"User: Sure, go ahead.\nAgent: Thank you. How do you handle incoming calls today?",
		"User: There are two of us at the front desk, and we miss quite a few over lunch.\nAgent: I see. Roughly how many a day, would you say?",
		"User: Maybe fifteen. On a Monday it's more like thirty.\nAgent: And what happens with the ones that you miss?",
		"User: We call back when we find the time. Honestly, some we never reach.\nAgent: That is what most teams tell us. Which tools do you work with at the moment?",
		"User: A shared spreadsheet, mostly, and our own calendar.\nAgent: Good to know. Both can be connected, so nothing has to be typed twice.",
		"User: How long does it take to set up?\nAgent: Usually one afternoon. You keep your number, and you can listen to every call.",
		"User: What does it cost?\nAgent: It depends on the minutes. For a team of your size it is less than a part-time position.",
		"User: And where is the data kept?\nAgent: In the region that you choose, and it is deleted when you say so.",
		"User: My colleague will ask whether it speaks other languages.\nAgent: It does, and it changes the language when the caller does.",
		"User: Could we try it with one line first?\nAgent: Yes. Most begin with one line for two weeks and then look at the numbers together.",
	},
	details: []string{
		"User: How many calls can it take at once?\nAgent: {number}, and more if you tell us a day before.",
		"User: What if somebody insists on a person?\nAgent: Then the call is put through. In our last test that was {number} of a hundred.",
		"User: We have {number} branches. Does each need a number of its own?\nAgent: No, one number can greet each branch by its name.",
		"User: And at night?\nAgent: It answers around the clock. About {number} percent of the calls come after six.",
		"User: How long are recordings kept?\nAgent: For {number} days, or not at all. You decide.",
		"User: Hold on a second, someone is at the door… Sorry, go on.\nAgent: No problem. I was saying that the trial runs for {number} days.",
		"User: Can it read our price list?\nAgent: Yes, up to {number} pages, and it says so when it doesn't know.",
		"User: Who else uses this in our field?\nAgent: I may not name them, but {number} companies of your size do.",
		"User: Sorry, could you repeat that? The line broke up.\nAgent: Of course. I said that you can stop at any time, and that the first {number} minutes are free.",
		"User: We tried something like this {number} months ago and the callers hung up.\nAgent: I hear that often. May I send you a recording, so that you can judge the voice for yourself?",
		"User: Could it book straight into the calendar of our fitters? There are {number} of them.\nAgent: Yes, each of them with their own working hours, breaks and the time it takes to drive there.",
		"User: What would you need from us to begin?\nAgent: Your opening hours, the {number} questions that callers ask most, and someone who picks up when it matters.",
	},
	agreed: []string{
		"Agent: Shall we set up half an hour with a colleague of mine?\nUser: Thursday at ten works.\nAgent: Thursday at ten it is. You'll get an invitation in a minute. Thank you, {name}!\nUser: Thanks, bye.",
		"User: That sounds useful. Can someone show it to us?\nAgent: Gladly. Would Tuesday afternoon suit you?\nUser: Tuesday at three, please.\nAgent: Done. Goodbye, {name}.",
	},
	declined: []string{
		"User: I think we're fine as we are, thank you.\nAgent: I understand. Thank you for your time, {name}. Goodbye.",
		"User: To be honest, we have just signed with somebody else.\nAgent: Thanks for telling me. All the best to {company}.",
	},
	optedOut: []string{
		"User: Please don't call me again.\nAgent: Of course. I'm taking your number off the list now. Goodbye.",
		"User: Take me off your list, please.\nAgent: I will, right away. Sorry for the trouble.",
	},
	moved: []string{
		"User: I'm driving. Can you call tomorrow at the same time?\nAgent: Certainly. Talk to you tomorrow, {name}.",
		"User: I'm about to go into a meeting. Tomorrow is better.\nAgent: No problem, I'll call tomorrow.",
	},
	silent: []string{
		"Agent: Hello? Can you hear me?\nAgent: I can't hear you. I'll try again another time.",
		"User: Hm.\nAgent: Hello? The line seems to be bad. Goodbye.",
	},
	messages: []string{
		"Agent: Hello {name}, this is Julian with a message about your request from {company}. I'll try again tomorrow. Goodbye.",
		"Agent: Hi {name}, sorry that I missed you. Call back whenever it suits you. Thanks.",
	},
}

var french = language{
	names: []string{"Camille", "Hugo", "Chloé", "Noël", "Inès", "Zoé", "Théo", "Léa", "François", "Maëlle"},
	greetings: []string{
		"Agent: Bonjour, je parle bien à {name} ?\nUser: Oui, c'est moi.\nAgent: Ici Julian, un assistant. Je vous appelle au sujet de la demande de {company}. Je vous dérange ?",
		"User: Allô ?\nAgent: Bonjour {name}, Julian à l'appareil. Vous souhaitiez être rappelé. Avez-vous deux minutes ?",
	},
	questions: []string{
		"User: Allez-y, je vous écoute.\nAgent: Merci. Comment gérez-vous les appels entrants aujourd'hui ?",
		"User: Nous sommes deux à l'accueil, et à midi nous en manquons beaucoup.\nAgent: Je vois. Combien par jour, à peu près ?",
		"User: Une quinzaine, le double le lundi.\nAgent: Et que deviennent ceux que vous manquez ?",
		"User: On rappelle quand on a le temps. Certains, on ne les joint jamais.\nAgent: C'est ce que l'on nous dit souvent. Quels outils utilisez-vous ?",
		"User: Un tableau partagé et notre agenda.\nAgent: Très bien, les deux se connectent. Rien n'est à ressaisir.",
		"User: Combien de temps faut-il pour démarrer ?\nAgent: Un après-midi en général, et vous gardez votre numéro.",
		"User: Et le prix ?\nAgent: Cela dépend des minutes : moins qu'un mi-temps pour une équipe comme la vôtre.",
		"User: Où sont conservées les données ?\nAgent: Dans la région que vous choisissez, et effacées dès que vous le demandez.",
	},
	details: []string{
		"User: Combien d'appels à la fois ?\nAgent: {number}, et davantage si vous prévenez la veille.",
		"User: Et si quelqu'un veut parler à une personne ?\nAgent: L'appel est transféré. Au dernier essai, c'était {number} sur cent.",
		"User: Nous avons {number} agences. Faut-il un numéro pour chacune ?\nAgent: Non, un seul suffit, et chaque agence est saluée par son nom.",
		"User: Combien de temps gardez-vous les enregistrements ?\nAgent: {number} jours, ou pas du tout. C'est vous qui décidez.",
		"User: Et la nuit ?\nAgent: Il répond à toute heure. {number} pour cent des appels arrivent après dix-huit heures.",
		"User: Pardon, la ligne a coupé. Vous disiez ?\nAgent: Que vous pouvez arrêter à tout moment, et que les {number} premières minutes sont gratuites.",
		"User: On a essayé quelque chose de ce genre il y a {number} mois, les gens raccrochaient.\nAgent: On me le dit souvent. Puis-je vous envoyer un enregistrement, pour que vous jugiez de la voix ?",
		"User: Peut-il prendre rendez-vous dans l'agenda de nos techniciens ? Ils sont {number}.\nAgent: Oui, avec les horaires, les pauses et les temps de trajet de chacun.",
		"User: De quoi avez-vous besoin pour commencer ?\nAgent: De vos horaires, des {number} questions les plus fréquentes, et de quelqu'un qui décroche quand il le faut.",
		"User: Est-ce que cela comprend les accents ?\nAgent: Très bien dans l'ensemble. Sur cent appels, {number} demandent de répéter une fois.",
	},
	agreed: []string{
		"Agent: Voulez-vous une démonstration d'une demi-heure ?\nUser: Jeudi à dix heures, ça me va.\nAgent: C'est noté, vous recevez l'invitation. Merci, {name} !\nUser: Merci, au revoir.",
	},
	declined: []string{
		"User: Merci, mais nous n'en avons pas besoin pour l'instant.\nAgent: Je comprends. Merci de votre temps, bonne journée à {company}.",
	},
	optedOut: []string{"User: Ne m'appelez plus, s'il vous plaît.\nAgent: Bien sûr, je retire votre numéro tout de suite. Au revoir."},
	moved:    []string{"User: Je suis en voiture. Rappelez-moi demain à la même heure.\nAgent: Entendu, à demain, {name}."},
	silent:   []string{"Agent: Allô ? Vous m'entendez ?\nAgent: Je ne vous entends pas. Je réessaierai."},
	messages: []string{"Agent: Bonjour {name}, ici Julian au sujet de votre demande pour {company}. Je rappellerai demain. À bientôt."},
}

var german = language{
	names: []string{"Jürgen", "Käthe", "Sören", "Lena", "Björn", "Ayşe", "Günther", "Mia", "Fabian", "Änne"},
	greetings: []string{
		"Agent: Guten Tag, spreche ich mit {name}?\nUser: Ja, am Apparat.\nAgent: Hier ist Julian, ein Assistent. Es geht um die Anfrage von {company}. Passt es gerade?",
		"User: Ja bitte?\nAgent: Guten Tag {name}, hier ist Julian. Sie hatten um einen Rückruf gebeten. Haben Sie zwei Minuten?",
	},
	questions: []string{
		"User: Gern, worum geht es?\nAgent: Danke. Wie nehmen Sie Anrufe heute an?",
		"User: Wir sind zu zweit am Empfang, mittags geht uns einiges durch.\nAgent: Verstehe. Wie viele sind das ungefähr am Tag?",
		"User: Fünfzehn vielleicht, montags eher dreißig.\nAgent: Und was geschieht mit denen, die Sie verpassen?",
		"User: Wir rufen zurück, wenn Zeit ist. Manche erreichen wir nie.\nAgent: Das hören wir oft. Womit arbeiten Sie derzeit?",
		"User: Mit einer gemeinsamen Tabelle und unserem Kalender.\nAgent: Beides lässt sich anschließen, nichts muss doppelt eingegeben werden.",
		"User: Wie lange dauert die Einrichtung?\nAgent: Meist einen Nachmittag. Ihre Nummer behalten Sie.",
		"User: Und was kostet das?\nAgent: Es hängt von den Minuten ab. Für Ihre Größe weniger als eine halbe Stelle.",
		"User: Wo liegen die Daten?\nAgent: In der Region, die Sie wählen, und gelöscht werden sie, wann Sie möchten.",
	},
	details: []string{
		"User: Wie viele Anrufe gehen gleichzeitig?\nAgent: {number}, und mehr, wenn Sie es am Vortag sagen.",
		"User: Und wenn jemand unbedingt einen Menschen möchte?\nAgent: Dann wird verbunden. Im letzten Test waren das {number} von hundert.",
		"User: Wir haben {number} Filialen. Braucht jede eine eigene Nummer?\nAgent: Nein, eine genügt, und jede wird mit ihrem Namen begrüßt.",
		"User: Wie lange werden Aufnahmen aufbewahrt?\nAgent: {number} Tage oder gar nicht, das entscheiden Sie.",
		"User: Und nachts?\nAgent: Es nimmt rund um die Uhr ab. {number} Prozent der Anrufe kommen nach sechs.",
		"User: Entschuldigung, die Verbindung war weg. Was sagten Sie?\nAgent: Dass Sie jederzeit aufhören können, und dass die ersten {number} Minuten nichts kosten.",
		"User: Wir haben so etwas vor {number} Monaten versucht, da haben die Leute aufgelegt.\nAgent: Das höre ich oft. Darf ich Ihnen eine Aufnahme schicken, damit Sie die Stimme selbst beurteilen?",
		"User: Könnte es Termine für unsere Monteure eintragen? Das sind {number} Leute.\nAgent: Ja, für jeden mit eigenen Arbeitszeiten, Pausen und Fahrzeiten.",
		"User: Was brauchen Sie von uns, um anzufangen?\nAgent: Ihre Öffnungszeiten, die {number} häufigsten Fragen und jemanden, der abnimmt, wenn es darauf ankommt.",
		"User: Versteht es auch Dialekt?\nAgent: Meistens. Von hundert Anrufern müssen {number} etwas wiederholen.",
	},
	agreed: []string{
		"Agent: Sollen wir eine halbe Stunde mit einer Kollegin vereinbaren?\nUser: Donnerstag um zehn passt.\nAgent: Sehr gut, die Einladung kommt gleich. Vielen Dank, {name}!\nUser: Danke, tschüss.",
	},
	declined: []string{
		"User: Danke, aber wir haben uns gerade für jemand anderen entschieden.\nAgent: Verstehe. Alles Gute für {company} und auf Wiederhören.",
	},
	optedOut: []string{"User: Bitte rufen Sie hier nicht mehr an.\nAgent: Selbstverständlich, ich streiche Ihre Nummer sofort. Auf Wiederhören."},
	moved:    []string{"User: Ich sitze im Auto. Können Sie morgen um die gleiche Zeit anrufen?\nAgent: Gern. Bis morgen, {name}."},
	silent:   []string{"Agent: Hallo? Können Sie mich hören?\nAgent: Ich höre Sie leider nicht und versuche es ein andermal."},
	messages: []string{"Agent: Guten Tag {name}, hier ist Julian wegen Ihrer Anfrage für {company}. Ich melde mich morgen noch einmal."},
}

var spanish = language{
	names: []string{"Lucía", "Íñigo", "Sofía", "Andrés", "Begoña", "José", "Ángela", "Rubén", "Noemí", "Martín"},
	greetings: []string{
		"Agent: Hola, ¿hablo con {name}?\nUser: Sí, soy yo.\nAgent: Le habla Julian, un asistente. Llamo por la solicitud de {company}. ¿Es buen momento?",
		"User: ¿Bueno?\nAgent: Hola {name}, soy Julian. Pidió que lo llamáramos. ¿Tiene dos minutos?",
	},
	questions: []string{
		"User: Sí, dígame.\nAgent: Gracias. ¿Cómo atienden hoy las llamadas?",
		"User: Somos dos en recepción y al mediodía se nos escapan muchas.\nAgent: Ya veo. ¿Cuántas al día, más o menos?",
		"User: Unas quince; los lunes, el doble.\nAgent: ¿Y qué pasa con las que pierden?",
		"User: Devolvemos la llamada cuando podemos. A algunos no los localizamos nunca.\nAgent: Nos lo dicen a menudo. ¿Qué herramientas usan?",
		"User: Una hoja compartida y el calendario.\nAgent: Las dos se conectan, no hay que escribir nada dos veces.",
		"User: ¿Cuánto se tarda en empezar?\nAgent: Normalmente una tarde, y conservan su número.",
		"User: ¿Y cuánto cuesta?\nAgent: Depende de los minutos; para su tamaño, menos que medio puesto.",
	},
	details: []string{
		"User: ¿Cuántas llamadas atiende a la vez?\nAgent: {number}, y más si avisan el día antes.",
		"User: ¿Y si alguien quiere hablar con una persona?\nAgent: Se pasa la llamada. En la última prueba fueron {number} de cada cien.",
		"User: Tenemos {number} sucursales. ¿Cada una necesita su número?\nAgent: No, basta con uno, y cada una se saluda por su nombre.",
		"User: ¿Cuánto tiempo se guardan las grabaciones?\nAgent: {number} días, o nada. Ustedes deciden.",
		"User: ¿Y de noche?\nAgent: Contesta a toda hora. El {number} por ciento llama después de las seis.",
		"User: Perdón, se cortó la línea. ¿Qué decía?\nAgent: Que pueden dejarlo cuando quieran, y que los primeros {number} minutos son gratis.",
		"User: Probamos algo así hace {number} meses y la gente colgaba.\nAgent: Me lo dicen a menudo. ¿Le envío una grabación para que juzgue usted mismo la voz?",
		"User: ¿Puede agendar citas para nuestros técnicos? Son {number}.\nAgent: Sí, con el horario, los descansos y el tiempo de viaje de cada uno.",
		"User: ¿Qué necesitan de nosotros para empezar?\nAgent: El horario, las {number} preguntas más frecuentes y alguien que conteste cuando haga falta.",
		"User: ¿Y entiende todos los acentos?\nAgent: Casi siempre. De cada cien personas, {number} tienen que repetir algo.",
	},
	agreed: []string{
		"Agent: ¿Le parece si quedamos media hora con una compañera?\nUser: El jueves a las diez me va bien.\nAgent: Perfecto, ahora le llega la invitación. ¡Gracias, {name}!\nUser: Gracias, adiós.",
	},
	declined: []string{"User: Gracias, pero por ahora no lo necesitamos.\nAgent: Entiendo. Gracias por su tiempo y mucho éxito a {company}."},
	optedOut: []string{"User: No me llame más, por favor.\nAgent: Claro, borro su número ahora mismo. Disculpe la molestia."},
	moved:    []string{"User: Voy manejando. ¿Puede llamar mañana a la misma hora?\nAgent: Por supuesto. Hasta mañana, {name}."},
	silent:   []string{"Agent: ¿Hola? ¿Me escucha?\nAgent: No le oigo. Volveré a intentarlo."},
	messages: []string{"Agent: Hola {name}, soy Julian, por su solicitud de {company}. Mañana vuelvo a llamar. Gracias."},
}

var swedish = language{
	names: []string{"Åsa", "Östen", "Maja", "Håkan", "Märta", "Göran", "Elsa", "Pär", "Linnéa", "Börje"},
	greetings: []string{
		"Agent: Hej, är det {name}?\nUser: Ja, det är jag.\nAgent: Det här är Julian, en assistent. Jag ringer om förfrågan från {company}. Passar det nu?",
	},
	questions: []string{
		"User: Visst, berätta.\nAgent: Tack. Hur tar ni emot samtal i dag?",
		"User: Vi är två i receptionen, och på lunchen missar vi en hel del.\nAgent: Jag förstår. Ungefär hur många om dagen?",
		"User: Kanske femton, på måndagar det dubbla.\nAgent: Och vad händer med dem ni missar?",
		"User: Vi ringer upp när vi hinner. Några får vi aldrig tag på.\nAgent: Det hör vi ofta. Vilka verktyg använder ni?",
		"User: Ett delat kalkylark och vår kalender.\nAgent: Båda går att koppla in, inget behöver skrivas två gånger.",
		"User: Vad kostar det?\nAgent: Det beror på minuterna, men mindre än en halvtidstjänst.",
	},
	details: []string{
		"User: Hur många samtal klarar den samtidigt?\nAgent: {number}, och fler om ni säger till dagen före.",
		"User: Och om någon vill prata med en människa?\nAgent: Då kopplas samtalet. I senaste provet var det {number} av hundra.",
		"User: Vi har {number} kontor. Behöver varje ett eget nummer?\nAgent: Nej, ett räcker, och varje kontor hälsar med sitt namn.",
		"User: Hur länge sparas inspelningarna?\nAgent: I {number} dagar, eller inte alls. Ni bestämmer.",
		"User: Ursäkta, det bröts. Vad sa du?\nAgent: Att ni kan sluta när som helst, och att de första {number} minuterna är gratis.",
		"User: Vi provade något liknande för {number} månader sedan, och folk la på.\nAgent: Det hör jag ofta. Får jag skicka en inspelning, så att ni själva kan bedöma rösten?",
		"User: Kan den boka in våra montörer? De är {number} stycken.\nAgent: Ja, var och en med egna arbetstider, raster och restider.",
		"User: Vad behöver ni från oss för att börja?\nAgent: Öppettiderna, de {number} vanligaste frågorna och någon som svarar när det gäller.",
		"User: Och mitt i natten?\nAgent: Den svarar dygnet runt. {number} procent av samtalen kommer efter klockan sex.",
		"User: Förstår den dialekter?\nAgent: Oftast. Av hundra som ringer får {number} säga om något.",
	},
	agreed:   []string{"Agent: Ska vi boka en halvtimme med en kollega?\nUser: Torsdag klockan tio går bra.\nAgent: Då kommer inbjudan strax. Tack, {name}!\nUser: Tack, hej då."},
	declined: []string{"User: Tack, men vi har just valt någon annan.\nAgent: Jag förstår. Lycka till på {company}, hej då."},
	optedOut: []string{"User: Ring mig inte igen, tack.\nAgent: Självklart, jag tar bort numret genast. Hej då."},
	moved:    []string{"User: Jag kör bil. Kan du ringa i morgon samma tid?\nAgent: Absolut. Vi hörs i morgon, {name}."},
	silent:   []string{"Agent: Hallå? Hör du mig?\nAgent: Jag hör dig inte och försöker igen en annan gång."},
	messages: []string{"Agent: Hej {name}, det är Julian om din förfrågan från {company}. Jag ringer igen i morgon."},
}

var chinese = language{
	names: []string{"伟", "芳", "秀英", "敏", "静", "磊", "雨桐", "思远"},
	greetings: []string{
		"Agent: 您好，请问是{name}吗？\nUser: 是我。\nAgent: 我是智能助理 Julian，想跟您聊聊 {company} 的咨询。现在方便吗？",
		"User: 喂？\nAgent: {name}您好，我是 Julian。您之前希望我们回电，有两分钟时间吗？",
	},
	questions: []string{
		"User: 可以，请讲。\nAgent: 谢谢。你们现在怎么接听来电？",
		"User: 前台有两个人，中午会漏接不少。\nAgent: 明白了。一天大概有多少个？",
		"User: 十五个左右，星期一差不多三十个。\nAgent: 漏接的电话后来怎么处理？",
		"User: 有空就打回去，有些一直联系不上。\nAgent: 很多团队都这么说。你们目前用什么工具？",
		"User: 一张共享表格，还有日历。\nAgent: 两个都可以连接，不用重复输入。",
		"User: 费用怎么算？\nAgent: 按分钟计算，像你们这样的团队比半个职位还便宜。",
		"User: 数据放在哪里？\nAgent: 放在您选择的地区，您说删除就删除。",
	},
	details: []string{
		"User: 同时能接多少个电话？\nAgent: {number}个，提前一天说还可以更多。",
		"User: 如果客户一定要找真人呢？\nAgent: 那就转接。上次测试一百个里有{number}个。",
		"User: 我们有{number}家分店，每家都要一个号码吗？\nAgent: 不用，一个号码就够，会用各店的名字问候。",
		"User: 录音保留多久？\nAgent: {number}天，也可以不保留，由您决定。",
		"User: 不好意思，刚才断了，您说什么？\nAgent: 我说随时可以停用，前{number}分钟免费。",
		"User: 我们{number}个月前试过类似的，客户一听就挂了。\nAgent: 常有人这么说。我发一段录音给您，您自己听听声音怎么样？",
		"User: 能直接预约我们的师傅吗？一共{number}位。\nAgent: 可以，每位的上班时间、休息和路上的时间都会考虑。",
		"User: 开始之前需要我们准备什么？\nAgent: 营业时间、最常见的{number}个问题，还有必要时能接电话的人。",
		"User: 方言听得懂吗？\nAgent: 大多数没问题，一百个人里大概有{number}个需要重复一遍。",
		"User: 晚上也接吗？\nAgent: 全天都接，有百分之{number}的电话是六点以后打来的。",
	},
	agreed:   []string{"Agent: 要不要安排半小时，请同事给您演示一下？\nUser: 星期四上午十点可以。\nAgent: 好的，邀请马上发给您。谢谢{name}！\nUser: 谢谢，再见。"},
	declined: []string{"User: 谢谢，我们暂时不需要。\nAgent: 理解，谢谢您的时间，祝 {company} 一切顺利。"},
	optedOut: []string{"User: 请不要再打来了。\nAgent: 好的，我马上把您的号码删除，打扰了。"},
	moved:    []string{"User: 我在开车，明天同一时间再打吧。\nAgent: 好的，{name}，明天再联系。"},
	silent:   []string{"Agent: 喂？听得到吗？\nAgent: 听不到您的声音，我下次再打。"},
	messages: []string{"Agent: {name}您好，我是 Julian，想跟您聊聊 {company} 的咨询，明天再打给您。"},
}
