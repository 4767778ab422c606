"""The demo product's features: what each one is for and what it does to retention, the known truth."""

from __future__ import annotations

from dataclasses import dataclass

CHANNELS, AUTOMATION, OPERATIONS = "support_channels", "automation", "support_operations"
INTEROP, REPORTING = "interoperability", "reporting"
CATEGORIES = (CHANNELS, AUTOMATION, OPERATIONS, INTEROP, REPORTING)
PLANS = ("starter", "growth", "premium")

DRIVER, NICHE_DRIVER, HARMFUL, MEDIATOR = "driver", "niche_driver", "harmful", "mediator"
UBIQUITOUS, NICHE_PREMIUM, PROXY, SETUP, NULL = "ubiquitous", "niche_premium", "proxy", "setup", "null"
ROLES = (DRIVER, NICHE_DRIVER, HARMFUL, MEDIATOR, UBIQUITOUS, NICHE_PREMIUM, PROXY, SETUP, NULL)
RELEVANT = (DRIVER, NICHE_DRIVER, MEDIATOR)
ALWAYS = (UBIQUITOUS,)


@dataclass(frozen=True)
class DemoFeature:
    """One feature of the demo product and its truth.

    `planned` is the share of the accounts with access that come to want it; `log_odds` what using it adds to the
    log-odds of churn at a term end (negative: it retains). `rate` is uses per month of a user account of 8 seats.
    `plan_load` and `size_load` say how much plan and size move the wish for it (probit). With a `parent`, using the
    parent raises the wish by `pull`. `entitlement` names what sells it apart (an add-on item or a beta).
    """

    name: str
    events: str
    area: str
    category: str
    role: str
    planned: float
    description: str
    log_odds: float = 0.0
    rate: float = 2.6
    plans: tuple[str, ...] = ()
    plan_load: float = 0.15
    size_load: float = 0.15
    parent: str = ""
    pull: float = 0.0
    entitlement: str = ""
    setup_step: int = 0
    follows_health: bool = False
    hypothesis: str = ""
    late: bool = False

    @property
    def once(self) -> bool:
        """A step that is done and not used: its event comes when it is done."""
        return self.role == SETUP


_F = DemoFeature
_PAID, _TOP = ("growth", "premium"), ("premium",)

_CHANNEL_FEATURES = (
    _F("messenger", "messenger_opened|messenger_message_sent", "chat", CHANNELS, DRIVER, 0.55,
       "Chat on the account's own site", -0.75, 4.0, hypothesis="mature"),
    _F("help_center", "help_center_article_shown", "self_service", CHANNELS, DRIVER, 0.45,
       "Public help center that people search", -0.9, 4.0, hypothesis="mature", parent="publish_articles", pull=1.8),
    _F("social_inbox", "social_message_answered", "social", CHANNELS, DRIVER, 0.35,
       "Messages from social networks in the inbox", -0.6, 3.5, size_load=0.3),
    _F("mobile_messenger", "mobile_message_sent", "chat", CHANNELS, PROXY, 0.40,
       "Chat inside the account's mobile app", parent="messenger", pull=3.2, hypothesis="mature"),
    _F("article_feedback", "article_feedback_read", "self_service", CHANNELS, PROXY, 0.36,
       "Thumbs up and down on help articles", parent="help_center", pull=3.0),
    _F("install_messenger", "messenger_installed", "onboarding", CHANNELS, SETUP, 0.94,
       "Put the messenger snippet on the site", setup_step=1, hypothesis="basic"),
    _F("connect_email", "email_channel_connected", "onboarding", CHANNELS, SETUP, 0.90,
       "Forward the support address", setup_step=2, hypothesis="basic"),
    _F("publish_articles", "article_published", "self_service", CHANNELS, MEDIATOR, 0.55,
       "Write and publish help articles", rate=2.5, setup_step=4, hypothesis="mature"),
    _F("voice_calls", "voice_call_answered", "voice", CHANNELS, NULL, 0.60,
       "Phone calls in the inbox, an add-on", entitlement="phone", hypothesis="mature"),
    _F("web_forms", "web_form_received", "forms", CHANNELS, NULL, 0.60,
       "Contact forms that open conversations", rate=4.0, plan_load=0.05),
    _F("sms", "sms_sent", "messaging", CHANNELS, NULL, 0.22,
       "Text messages to people", plan_load=0.35),
    _F("chat_apps", "chat_app_message_sent", "messaging", CHANNELS, NULL, 0.30,
       "Messages over chat apps", size_load=0.3, follows_health=True),
    _F("banners", "banner_published", "outbound", CHANNELS, NULL, 0.35,
       "Notices on the account's site", plan_load=0.3, follows_health=True),
    _F("mass_messages", "mass_message_sent", "outbound", CHANNELS, HARMFUL, 0.30,
       "One message to everybody at once", 0.7, 3.0, hypothesis="mature"),
)  # fmt: skip

_AUTOMATION_FEATURES = (
    _F("macros", "macro_applied", "replies", AUTOMATION, DRIVER, 0.60,
       "Saved replies with actions", -0.7, 4.5, hypothesis="mature"),
    _F("workflows", "workflow_run", "workflows", AUTOMATION, DRIVER, 0.40,
       "Rules that route and tag conversations", -0.85, 4.5, size_load=0.3, hypothesis="mature"),
    _F("auto_replies", "auto_reply_sent", "replies", AUTOMATION, DRIVER, 0.50,
       "Answers sent outside office hours", -0.55, 4.0),
    _F("scheduled_rules", "scheduled_rule_run", "workflows", AUTOMATION, DRIVER, 0.30,
       "Rules that run on a timetable", -0.85, 4.0, plans=_PAID, plan_load=0.3),
    _F("ai_answers", "ai_answer_given", "assistant", AUTOMATION, NICHE_DRIVER, 0.70,
       "Answers written by a model, an add-on", -0.9, 4.0, entitlement="ai_agent", hypothesis="mature"),
    _F("custom_bots", "bot_conversation_handled", "assistant", AUTOMATION, NICHE_DRIVER, 0.07,
       "Bots built step by step", -1.0, 4.0, size_load=0.2),
    _F("workflow_templates", "workflow_template_used", "workflows", AUTOMATION, PROXY, 0.34,
       "Ready-made rules to start from", parent="workflows", pull=3.0),
    _F("macro_folders", "macro_folder_opened", "replies", AUTOMATION, PROXY, 0.45,
       "Folders for saved replies", parent="macros", pull=3.0),
    _F("auto_close", "auto_close_run", "workflows", AUTOMATION, HARMFUL, 0.35,
       "Close conversations that went quiet", 0.65, 4.0, hypothesis="mature"),
    _F("set_office_hours", "office_hours_set", "onboarding", AUTOMATION, SETUP, 0.55,
       "Say when somebody is there", setup_step=7),
    _F("copilot_beta", "copilot_asked", "assistant", AUTOMATION, NULL, 0.60,
       "Drafts for agents, a beta", entitlement="beta_copilot"),
    _F("snooze", "conversation_snoozed", "replies", AUTOMATION, NULL, 0.68,
       "Put a conversation off until later", rate=4.0, plan_load=0.05),
    _F("tag_rules", "tag_rule_run", "workflows", AUTOMATION, NULL, 0.40,
       "Tags set by words in a message", size_load=0.35, follows_health=True),
    _F("bot_branching", "bot_branch_taken", "assistant", AUTOMATION, NICHE_PREMIUM, 0.07,
       "Branches in bots", plans=_TOP),
)  # fmt: skip

_OPERATIONS_FEATURES = (
    _F("conversations", "conversation_opened|conversation_replied", "inbox", OPERATIONS, UBIQUITOUS, 1.0,
       "Conversations opened and answered", hypothesis="basic"),
    _F("resolution", "conversation_resolved", "inbox", OPERATIONS, UBIQUITOUS, 1.0,
       "Conversations brought to an end: the value of the product", hypothesis="basic"),
    _F("inbox_views", "inbox_view_opened", "inbox", OPERATIONS, UBIQUITOUS, 0.995,
       "Views of the shared inbox", rate=10.0, hypothesis="basic"),
    _F("search", "inbox_searched", "inbox", OPERATIONS, UBIQUITOUS, 0.99,
       "Search over conversations", rate=8.0),
    _F("contact_profiles", "contact_profile_viewed", "people", OPERATIONS, UBIQUITOUS, 0.99,
       "Who is on the other side", rate=8.0),
    _F("assignment_rules", "conversation_assigned", "teams", OPERATIONS, DRIVER, 0.50,
       "Give conversations to teams by rule", -0.8, 4.5, size_load=0.3, hypothesis="mature",
       parent="invite_teammates", pull=1.7),
    _F("response_targets", "response_target_set|response_target_met", "service_levels", OPERATIONS, DRIVER, 0.35,
       "Promised answer times and how they are kept", -0.9, 4.5, plans=_PAID, plan_load=0.25, hypothesis="mature"),
    _F("team_balancing", "team_balance_changed", "teams", OPERATIONS, PROXY, 0.40,
       "Spread work over a team", parent="assignment_rules", pull=3.0),
    _F("quality_reviews", "quality_review_done", "quality", OPERATIONS, NICHE_DRIVER, 0.08,
       "Reviews of finished conversations", -0.9, 3.0, size_load=0.25),
    _F("invite_teammates", "teammate_invited", "onboarding", OPERATIONS, MEDIATOR, 0.65,
       "Bring colleagues in", rate=2.0, setup_step=3, size_load=0.35, hypothesis="mature"),
    _F("notes", "internal_note_added", "inbox", OPERATIONS, NULL, 0.75,
       "Notes that only colleagues see", rate=4.0, size_load=0.25),
    _F("mentions", "colleague_mentioned", "inbox", OPERATIONS, NULL, 0.55,
       "Ask a colleague inside a conversation", size_load=0.45),
    _F("shortcuts", "keyboard_shortcut_used", "inbox", OPERATIONS, NULL, 0.45,
       "Work without the mouse", rate=4.5, plan_load=0.0),
    _F("product_help", "help_content_viewed", "learning", OPERATIONS, NULL, 0.70,
       "Help content about the product itself, viewed by the account's users", rate=2.5),
    _F("roles_and_permissions", "role_changed", "security", OPERATIONS, NULL, 0.35,
       "Who may do what", rate=2.0, plans=_PAID, size_load=0.4),
    _F("audit_log", "audit_log_opened", "security", OPERATIONS, NICHE_PREMIUM, 0.22,
       "Who did what", plans=_TOP, size_load=0.2),
    _F("sandbox", "sandbox_opened", "security", OPERATIONS, NICHE_PREMIUM, 0.07,
       "A copy of the workspace to try things in", plans=_TOP),
)  # fmt: skip

_INTEROP_FEATURES = (
    _F("crm_sync", "crm_record_synced", "sync", INTEROP, DRIVER, 0.40,
       "Contacts and deals kept in step with a CRM", -0.8, 4.5, size_load=0.25, hypothesis="mature",
       parent="define_fields", pull=1.8),
    _F("issue_tracker", "issue_linked", "apps", INTEROP, DRIVER, 0.38,
       "Link conversations to issues", -0.65, 4.0, hypothesis="mature"),
    _F("define_fields", "custom_field_defined", "data", INTEROP, MEDIATOR, 0.50,
       "Fields of the account's own on people", rate=2.5, setup_step=6),
    _F("crm_field_mapping", "crm_mapping_edited", "sync", INTEROP, PROXY, 0.34,
       "Which CRM field is which", rate=2.0, parent="crm_sync", pull=3.0),
    _F("import_contacts", "contacts_imported", "onboarding", INTEROP, SETUP, 0.60,
       "Bring people in from a file", setup_step=5, hypothesis="basic"),
    _F("chat_notifications", "team_chat_notified", "apps", INTEROP, NULL, 0.55,
       "Notices in the team's chat", rate=4.5, size_load=0.2),
    _F("webhooks", "webhook_delivered", "api", INTEROP, NULL, 0.25,
       "Events sent to the account's own systems", rate=4.5, plan_load=0.4),
    _F("rest_api", "api_called", "api", INTEROP, NULL, 0.35,
       "The product's interface for programs", rate=6.0, plan_load=0.35, follows_health=True),
    _F("app_store", "app_installed", "apps", INTEROP, NULL, 0.50,
       "Small apps in the inbox", rate=2.0),
    _F("shop_orders", "shop_order_viewed", "apps", INTEROP, NULL, 0.30,
       "Orders beside the conversation", rate=4.0, plan_load=0.0, size_load=0.0),
    _F("single_sign_on", "sso_login", "security", INTEROP, NICHE_PREMIUM, 0.22,
       "Sign in through the account's own directory", rate=4.5, plans=_TOP, hypothesis="mature"),
    _F("data_residency", "residency_changed", "security", INTEROP, NICHE_PREMIUM, 0.07,
       "Choose where data are kept", rate=2.0, plans=_TOP),
)  # fmt: skip

_REPORTING_FEATURES = (
    _F("dashboards", "dashboard_viewed", "dashboards", REPORTING, DRIVER, 0.55,
       "Overview of volume and answer times", -0.65, 4.5, hypothesis="mature"),
    _F("custom_reports", "custom_report_run", "reports", REPORTING, DRIVER, 0.32,
       "Reports put together by the account", -0.9, 4.0, plans=_PAID, plan_load=0.3, hypothesis="mature", late=True),
    _F("team_performance", "team_report_viewed", "reports", REPORTING, DRIVER, 0.40,
       "Answer times and ratings by team", -0.6, 4.0, size_load=0.35),
    _F("scheduled_reports", "scheduled_report_sent", "reports", REPORTING, NULL, 0.28,
       "Reports by e-mail", rate=4.0, plan_load=0.3),
    _F("csv_export", "report_exported", "export", REPORTING, NULL, 0.60,
       "Numbers to a spreadsheet", rate=2.5, hypothesis="mature"),
    _F("satisfaction_surveys", "satisfaction_survey_sent", "surveys", REPORTING, NULL, 0.45,
       "Ask for a rating after a conversation", rate=4.5, follows_health=True),
    _F("topic_trends", "topic_trend_viewed", "insight", REPORTING, NULL, 0.30,
       "What people write about", plan_load=0.35, follows_health=True),
    _F("heatmaps", "heatmap_viewed", "insight", REPORTING, NULL, 0.18,
       "Busy hours of the week", size_load=0.3),
    _F("goals", "goal_viewed", "dashboards", REPORTING, NULL, 0.40,
       "Targets shown on the dashboard", plan_load=0.2),
    _F("live_wallboard", "wallboard_opened", "dashboards", REPORTING, NULL, 0.25,
       "Today's numbers on a big screen", size_load=0.45),
)  # fmt: skip

FEATURES: tuple[DemoFeature, ...] = (
    *_CHANNEL_FEATURES,
    *_AUTOMATION_FEATURES,
    *_OPERATIONS_FEATURES,
    *_INTEROP_FEATURES,
    *_REPORTING_FEATURES,
)
POSITION: dict[str, int] = {feature.name: place for place, feature in enumerate(FEATURES)}
CONVERSATION_FEATURES = ("conversations", "resolution")  # their events come from the conversations themselves
VALUE_EVENT = "conversation_resolved"


def catalogue_rows(launched: dict[str, str]) -> tuple[dict[str, str], ...]:
    """The rows of features.csv, as product people would write them; `launched` maps a feature to its launch date."""
    return tuple(
        {
            "feature": feature.name,
            "event_names": feature.events,
            "category": feature.category,
            "area": feature.area,
            "adopted_at_least": "1",
            "plan": "|".join(feature.plans),
            "launched_at": launched.get(feature.name, ""),
            "setup_step": str(feature.setup_step) if feature.setup_step else "",
            "hypothesis": feature.hypothesis,
            "description": feature.description,
            "area_metric": "",
            "area_metric_per": "",
        }
        for feature in FEATURES
    )
