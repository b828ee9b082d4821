// Listens on one channel with pusher-js, as somebody else's code would, and prints a line of JSON for whatever happens.
import Pusher from "pusher-js";

const { host, port, key, channel, authEndpoint, headers } = JSON.parse(process.argv[2]);
const say = (what, about) => console.log(JSON.stringify([what, about ?? null]));

const pusher = new Pusher(key, {
  cluster: "none",
  wsHost: host,
  wsPort: port,
  forceTLS: false,
  enabledTransports: ["ws"],
  enableStats: false,
  activityTimeout: 400,
  pongTimeout: 5000,
  channelAuthorization: { endpoint: authEndpoint, transport: "ajax", headers },
});

pusher.connection.bind("state_change", ({ current }) => say(current));
pusher.connection.bind("error", (error) => say("error", error.data ?? error.error?.data ?? String(error)));
pusher.connection.bind("message", ({ event }) => event === "pusher:pong" && say("pong"));
const subscribed = pusher.subscribe(channel);
subscribed.bind("pusher:subscription_succeeded", () => say("subscribed"));
subscribed.bind("pusher:subscription_error", (error) => say("refused", error.status));
subscribed.bind("player.command", (command) => say("command", command));
process.stdin.on("end", () => process.exit(0)).resume();
