// A bot on discord.js. Only its address is not Discord's.

const { setTimeout: sleep } = require("node:timers/promises");
const {
  ActionRowBuilder, ActivityType, ApplicationCommandType, AttachmentBuilder, ButtonBuilder, ButtonStyle, Client,
  ComponentType, ContextMenuCommandBuilder, EmbedBuilder, Events, GatewayIntentBits, MessageFlags, ModalBuilder,
  Partials, SlashCommandBuilder, StringSelectMenuBuilder, TextInputBuilder, TextInputStyle,
} = require("discord.js");

const fruits = ["apple", "apricot", "banana"];
const commands = [
  new SlashCommandBuilder().setName("greet").setDescription("Greet a member.")
    .addUserOption((option) => option.setName("user").setDescription("Whom").setRequired(true))
    .addIntegerOption((option) => option.setName("times").setDescription("How often").setMinValue(1).setMaxValue(3)),
  new SlashCommandBuilder().setName("fruit").setDescription("Order a fruit.").addStringOption((option) =>
    option.setName("name").setDescription("Which").setRequired(true).setAutocomplete(true)),
  new SlashCommandBuilder().setName("later").setDescription("Answer later."),
  new SlashCommandBuilder().setName("brief").setDescription("Offer a button for a moment."),
  new SlashCommandBuilder().setName("feedback").setDescription("Open a form."),
  new SlashCommandBuilder().setName("card").setDescription("Send an embed with a file."),
  new ContextMenuCommandBuilder().setName("Who").setType(ApplicationCommandType.User),
  new ContextMenuCommandBuilder().setName("Quote").setType(ApplicationCommandType.Message),
];
const row = (...components) => new ActionRowBuilder().addComponents(...components);
const { Guilds, GuildMembers, GuildMessages, GuildMessageReactions, MessageContent } = GatewayIntentBits;
const client = new Client({
  intents: [Guilds, GuildMembers, GuildMessages, GuildMessageReactions, MessageContent],
  partials: [Partials.Message, Partials.Reaction],
  presence: { activities: [{ name: "with wisp", type: ActivityType.Playing }] },
  rest: { api: process.env.REST.replace("/v10", "") },
});

const handlers = {
  async greet(interaction) {
    const again = new ButtonBuilder().setCustomId("again").setLabel("Again").setEmoji("🔁").setStyle(ButtonStyle.Primary);
    const drink = new StringSelectMenuBuilder().setCustomId("drink").setPlaceholder("A drink")
      .addOptions({ label: "Tea", value: "tea" }, { label: "Coffee", value: "coffee" });
    const text = `Hello ${interaction.options.getUser("user")}!`.repeat(interaction.options.getInteger("times") ?? 1);
    await interaction.reply({ content: text, components: [row(again), row(drink)] });
  },
  async fruit(interaction) {
    await interaction.reply(`One ${interaction.options.getString("name")}, please.`);
  },
  async later(interaction) {
    await interaction.deferReply();
    await sleep(100);
    await interaction.editReply("Done.");
    await interaction.followUp({ content: "And for you alone.", flags: MessageFlags.Ephemeral });
  },
  async brief(interaction) {
    const press = new ButtonBuilder().setCustomId("press").setLabel("Press").setStyle(ButtonStyle.Secondary);
    const response = await interaction.reply({ content: "Quick!", components: [row(press)], withResponse: true });
    const { message } = response.resource;
    const collector = message.createMessageComponentCollector({ componentType: ComponentType.Button, time: 500 });
    collector.on("end", () => interaction.editReply({ content: "Too late.", components: [] }));
  },
  async feedback(interaction) {
    const subject = new TextInputBuilder().setCustomId("subject").setLabel("Subject").setStyle(TextInputStyle.Short);
    const body = new TextInputBuilder().setCustomId("body").setLabel("Details").setStyle(TextInputStyle.Paragraph);
    const modal = new ModalBuilder().setCustomId("feedback").setTitle("Feedback");
    await interaction.showModal(modal.addComponents(row(subject), row(body.setRequired(false))));
    const sent = await interaction.awaitModalSubmit({ time: 30_000 });
    const content = `Thanks for ${sent.fields.getTextInputValue("subject")}.`;
    await sent.reply({ content, flags: MessageFlags.Ephemeral });
  },
  async card(interaction) {
    const embed = new EmbedBuilder().setTitle("A card").setColor(0x5865f2).addFields({ name: "Kind", value: "note" })
      .setFooter({ text: interaction.user.username }).setImage("attachment://card.png");
    const file = new AttachmentBuilder(Buffer.from("pixels"), { name: "card.png" });
    await interaction.reply({ embeds: [embed], files: [file] });
  },
  async Who(interaction) {
    await interaction.reply({ content: `That is ${interaction.targetUser}.`, flags: MessageFlags.Ephemeral });
  },
  async Quote(interaction) {
    await interaction.reply(`> ${interaction.targetMessage.content}`);
  },
};

client.once(Events.ClientReady, async () => {
  await client.application.commands.set(commands);
  await client.channels.cache.find((one) => one.name === "general").send("Awake.");
});
client.on(Events.InteractionCreate, async (interaction) => {
  if (interaction.isCommand()) await handlers[interaction.commandName](interaction);
  if (interaction.isAutocomplete()) {
    const found = fruits.filter((one) => one.startsWith(interaction.options.getFocused()));
    await interaction.respond(found.map((one) => ({ name: one, value: one })));
  }
  if (interaction.isButton() && interaction.customId === "again")
    await interaction.reply({ content: `Again, ${interaction.user}!`, flags: MessageFlags.Ephemeral });
  if (interaction.isStringSelectMenu())
    await interaction.update({ content: `You picked ${interaction.values[0]}.`, components: [] });
});
client.on(Events.MessageCreate, async (message) => {
  if (message.content === "Hello?") await message.reply("I heard that.");
});
client.on(Events.MessageReactionAdd, async (reaction, user) => {
  if (!user.bot) await reaction.message.react(reaction.emoji);
});
client.on(Events.GuildMemberAdd, async (member) => {
  await member.guild.channels.cache.find((one) => one.isTextBased()).send(`Welcome ${member}!`);
});
client.login(process.env.TOKEN);
