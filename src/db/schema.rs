//! The tables, as diesel sees them. Each table belongs to one room; `tests/house/tables.rs` holds which.
//!
//! Written by hand from `migrations/`, because one text serves both databases; `tests/schema.rs` compares it with them.
#![expect(
    missing_docs,
    reason = "the columns are explained where they are made, in migrations/"
)]

diesel::table! {
    audit_events (id) {
        id -> Text,
        recorded_at -> Timestamp,
        actor -> Text,
        act -> Text,
        subject -> Text,
        detail -> Text,
    }
}

diesel::table! {
    requests (key) {
        key -> Text,
        digest -> Binary,
        subject -> Text,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    accounts (id) {
        id -> BigInt,
        owner -> Text,
        kind -> Text,
        balance -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    transactions (number) {
        number -> BigInt,
        kind -> Text,
        source -> Text,
        effective_on -> Date,
        recorded_at -> Timestamp,
        posted_by -> Text,
        reverses -> Nullable<BigInt>,
        chain_digest -> Binary,
    }
}

diesel::table! {
    entries (account_id, version) {
        account_id -> BigInt,
        version -> BigInt,
        transaction_number -> BigInt,
        amount -> BigInt,
        balance_after -> BigInt,
        expires_on -> Nullable<Date>,
    }
}

diesel::table! {
    expiry_runs (through_on) {
        through_on -> Date,
        last_transaction -> BigInt,
        ran_at -> Timestamp,
    }
}

diesel::table! {
    programmes (id) {
        id -> Text,
        name -> Text,
        address -> Text,
        office -> Text,
        phone -> Text,
        card_key -> Binary,
        created_at -> Timestamp,
        issuer -> Text,
    }
}

diesel::table! {
    areas (id) {
        id -> Text,
        parent_id -> Nullable<Text>,
        kind -> Text,
        code -> Text,
        name -> Text,
        path -> Text,
    }
}

diesel::table! {
    households (id) {
        id -> Text,
        code -> Text,
        building_id -> Text,
        stairwell -> Nullable<Text>,
        room -> Text,
        head_name -> Text,
        head_initials -> Text,
        people -> BigInt,
        registered_at -> Timestamp,
        ended_on -> Nullable<Date>,
        merged_into -> Nullable<Text>,
        redeemable_until -> Nullable<Date>,
        staff_since -> Nullable<Date>,
    }
}

diesel::table! {
    household_events (id) {
        id -> Text,
        household_id -> Text,
        version -> BigInt,
        kind -> Text,
        other_id -> Nullable<Text>,
        effective_on -> Date,
        recorded_at -> Timestamp,
        recorded_by -> Text,
        reason -> Text,
        detail -> Text,
        transaction_number -> Nullable<BigInt>,
    }
}

diesel::table! {
    household_residences (household_id, from_on) {
        household_id -> Text,
        from_on -> Date,
        until_on -> Date,
        building_id -> Text,
        stairwell -> Nullable<Text>,
        room -> Text,
    }
}

diesel::table! {
    household_consents (household_id, purpose, version) {
        household_id -> Text,
        purpose -> Text,
        version -> BigInt,
        given -> Bool,
        decided_on -> Date,
        recorded_at -> Timestamp,
        recorded_by -> Nullable<Text>,
    }
}

diesel::table! {
    consent_forms (number) {
        number -> BigInt,
        household_id -> Nullable<Text>,
        printed_by -> Nullable<Text>,
        printed_at -> Timestamp,
        agreed -> Nullable<Text>,
        signed_on -> Nullable<Date>,
        taken_by -> Nullable<Text>,
        keyed_by -> Nullable<Text>,
        keyed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    area_moves (id) {
        id -> Text,
        area_id -> Text,
        from_parent_id -> Text,
        to_parent_id -> Text,
        effective_on -> Date,
        recorded_at -> Timestamp,
        recorded_by -> Text,
        reason -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        name -> Text,
        display_name -> Text,
        password_hash -> Text,
        household_id -> Nullable<Text>,
        created_at -> Timestamp,
        disabled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    user_roles (user_id, role, area_id) {
        user_id -> Text,
        role -> Text,
        area_id -> Text,
    }
}

diesel::table! {
    sessions (digest) {
        digest -> Text,
        user_id -> Text,
        started_at -> Timestamp,
        seen_at -> Timestamp,
    }
}

diesel::table! {
    api_tokens (digest) {
        digest -> Text,
        user_id -> Text,
        created_at -> Timestamp,
        revoked_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    scheme_versions (id) {
        id -> Text,
        code -> Text,
        version -> BigInt,
        name -> Text,
        document -> Text,
        active_from -> Date,
        loaded_at -> Timestamp,
        loaded_by -> Text,
    }
}

diesel::table! {
    evaluation_categories (scheme_version_id, code) {
        scheme_version_id -> Text,
        code -> Text,
        name -> Text,
        title -> Text,
        redeemable -> Bool,
    }
}

diesel::table! {
    scoring_items (id) {
        id -> Text,
        scheme_version_id -> Text,
        code -> Text,
        category_code -> Text,
        name -> Text,
        points -> BigInt,
        per -> Text,
        cap -> BigInt,
        cap_period -> Text,
        evidence -> Text,
        nominator -> Text,
        check_level -> Text,
        given_for -> Nullable<Text>,
    }
}

diesel::table! {
    scheme_drafts (id) {
        id -> Text,
        base_version_id -> Nullable<Text>,
        document -> Text,
        state -> Text,
        revision -> BigInt,
        author_id -> Text,
        created_at -> Timestamp,
        changed_by -> Text,
        changed_at -> Timestamp,
        reviewed_by -> Nullable<Text>,
        reviewed_at -> Nullable<Timestamp>,
        review_note -> Nullable<Text>,
        adopted_version_id -> Nullable<Text>,
    }
}

diesel::table! {
    scheme_overrides (id) {
        id -> Text,
        draft_id -> Text,
        mark -> Text,
        place -> Text,
        finding -> Text,
        reason -> Text,
        proposed_by -> Text,
        proposed_at -> Timestamp,
    }
}

diesel::table! {
    scheme_override_confirmations (override_id) {
        override_id -> Text,
        confirmed_by -> Text,
        confirmed_at -> Timestamp,
    }
}

diesel::table! {
    scheme_resolutions (scheme_version_id) {
        scheme_version_id -> Text,
        body -> Text,
        held_on -> Date,
        place -> Text,
        entitled -> BigInt,
        present -> BigInt,
        votes_for -> BigInt,
        votes_against -> BigInt,
        votes_abstained -> BigInt,
        legal_basis -> Text,
        scan -> Text,
        recorded_by -> Text,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    scheme_suspensions (id) {
        id -> Text,
        scheme_version_id -> Text,
        suspended -> Bool,
        reason -> Text,
        recorded_by -> Text,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    cards (id) {
        id -> Text,
        household_id -> Text,
        number -> Text,
        secret_digest -> Text,
        issued_at -> Timestamp,
        issued_by -> Text,
        issue_reason -> Text,
        stopped_at -> Nullable<Timestamp>,
        stopped_by -> Nullable<Text>,
        stop_reason -> Nullable<Text>,
    }
}

diesel::table! {
    nominations (id) {
        id -> Text,
        household_id -> Text,
        scoring_item_id -> Text,
        count -> BigInt,
        points -> BigInt,
        occurred_on -> Date,
        note -> Text,
        state -> Text,
        nominated_by -> Nullable<Text>,
        nominating_household_id -> Nullable<Text>,
        nominated_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        decision_reason -> Nullable<Text>,
        spendable_points -> Nullable<BigInt>,
        public_text -> Text,
        pending_number -> Nullable<BigInt>,
        notice_id -> Nullable<Text>,
        notice_row -> Nullable<BigInt>,
        transaction_number -> Nullable<BigInt>,
        posted_at -> Nullable<Timestamp>,
        ending_reason -> Nullable<Text>,
    }
}

diesel::table! {
    council_members (id) {
        id -> Text,
        area_id -> Text,
        name -> Text,
        user_id -> Nullable<Text>,
        household_id -> Nullable<Text>,
        appointed_on -> Date,
        term_ends_on -> Date,
        ended_on -> Nullable<Date>,
        appointed_by -> Text,
    }
}

diesel::table! {
    kin_declarations (member_id, household_id) {
        member_id -> Text,
        household_id -> Text,
        relation -> Text,
        declared_at -> Timestamp,
        declared_by -> Text,
    }
}

diesel::table! {
    council_sessions (id) {
        id -> Text,
        number -> BigInt,
        area_id -> Text,
        held_on -> Date,
        place -> Text,
        ballot -> Text,
        state -> Text,
        chair_id -> Nullable<Text>,
        seats -> Nullable<BigInt>,
        minutes -> Text,
        convened_at -> Timestamp,
        convened_by -> Text,
        opened_at -> Nullable<Timestamp>,
        opened_by -> Nullable<Text>,
        closed_at -> Nullable<Timestamp>,
        closed_by -> Nullable<Text>,
    }
}

diesel::table! {
    attendances (session_id, member_id) {
        session_id -> Text,
        member_id -> Text,
        arrived_at -> Timestamp,
    }
}

diesel::table! {
    motions (id) {
        id -> Text,
        session_id -> Text,
        position -> BigInt,
        kind -> Text,
        state -> Text,
        votes_for -> BigInt,
        votes_against -> BigInt,
        abstentions -> BigInt,
        decided_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Text>,
    }
}

diesel::table! {
    motion_recusals (motion_id, member_id) {
        motion_id -> Text,
        member_id -> Text,
        reason -> Text,
    }
}

diesel::table! {
    ballots (motion_id, member_id) {
        motion_id -> Text,
        member_id -> Text,
        choice -> Nullable<Text>,
        cast_at -> Timestamp,
        keyed_by -> Text,
    }
}

diesel::table! {
    tallies (motion_id, keyed_by) {
        motion_id -> Text,
        keyed_by -> Text,
        votes_for -> BigInt,
        votes_against -> BigInt,
        abstentions -> BigInt,
        keyed_at -> Timestamp,
    }
}

diesel::table! {
    public_notices (id) {
        id -> Text,
        number -> BigInt,
        area_id -> Text,
        session_id -> Text,
        published_at -> Timestamp,
        published_by -> Text,
        ends_at -> Timestamp,
        taken_down_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    issuance_budgets (id) {
        id -> Text,
        area_id -> Text,
        from_month -> Date,
        points -> BigInt,
        soft_percent -> BigInt,
        reason -> Text,
        set_at -> Timestamp,
        set_by -> Text,
    }
}

diesel::table! {
    clockwork (id) {
        id -> BigInt,
        seen_at -> Timestamp,
    }
}

diesel::table! {
    motion_rows (motion_id, nomination_id) {
        motion_id -> Text,
        position -> BigInt,
        nomination_id -> Text,
    }
}

diesel::table! {
    points_stores (id) {
        id -> Text,
        area_id -> Text,
        name -> Text,
        opening_hours -> Text,
        kind -> Nullable<Text>,
    }
}

diesel::table! {
    goods_items (id) {
        id -> Text,
        sku -> Text,
        barcode -> Nullable<Text>,
        name -> Text,
        unit -> Text,
        category -> Text,
        price_points -> BigInt,
        cost_fen -> BigInt,
        monthly_limit -> Nullable<BigInt>,
        shelf_life_days -> Nullable<BigInt>,
        withdrawn_at -> Nullable<Timestamp>,
        initials -> Nullable<Text>,
        pack -> Nullable<Text>,
        case_quantity -> Nullable<BigInt>,
        photo -> Nullable<Text>,
    }
}

diesel::table! {
    stock_lots (number) {
        number -> BigInt,
        store_id -> Text,
        goods_id -> Text,
        received_on -> Date,
        expires_on -> Nullable<Date>,
        funding -> Text,
        cost_fen -> BigInt,
        quantity -> BigInt,
        version -> BigInt,
    }
}

diesel::table! {
    redemptions (id) {
        id -> Text,
        store_id -> Text,
        household_id -> Text,
        card_id -> Text,
        presented -> Text,
        points -> BigInt,
        transaction_number -> BigInt,
        redeemed_by -> Text,
        redeemed_at -> Timestamp,
        shift_id -> Nullable<Text>,
        confirmed_with -> Nullable<Text>,
    }
}

diesel::table! {
    redemption_lines (redemption_id, position) {
        redemption_id -> Text,
        position -> BigInt,
        goods_id -> Text,
        quantity -> BigInt,
        price_points -> BigInt,
    }
}

diesel::table! {
    redemption_voids (redemption_id) {
        redemption_id -> Text,
        reason -> Text,
        transaction_number -> BigInt,
        voided_by -> Text,
        voided_at -> Timestamp,
        shift_id -> Nullable<Text>,
    }
}

diesel::table! {
    stock_movements (lot_number, version) {
        lot_number -> BigInt,
        version -> BigInt,
        kind -> Text,
        quantity -> BigInt,
        quantity_after -> BigInt,
        redemption_id -> Nullable<Text>,
        recorded_at -> Timestamp,
        recorded_by -> Text,
    }
}

diesel::table! {
    objections (id) {
        id -> Text,
        receipt -> Text,
        nomination_id -> Text,
        reason -> Text,
        objector_name -> Text,
        objector_contact -> Text,
        channel -> Text,
        taken_by -> Nullable<Text>,
        filed_at -> Timestamp,
        urgent_from -> Timestamp,
        decide_by -> Timestamp,
        escalated_at -> Nullable<Timestamp>,
        state -> Text,
        decided_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Text>,
        decision_reason -> Nullable<Text>,
    }
}

diesel::table! {
    appeals (id) {
        id -> Text,
        receipt -> Text,
        subject -> Text,
        kind -> Text,
        household_id -> Text,
        nomination_id -> Nullable<Text>,
        about_at -> Timestamp,
        claimed_count -> Nullable<BigInt>,
        reason -> Text,
        contact -> Text,
        channel -> Text,
        taken_by -> Nullable<Text>,
        filed_at -> Timestamp,
        urgent_from -> Timestamp,
        decide_by -> Timestamp,
        escalated_at -> Nullable<Timestamp>,
        state -> Text,
        accepted_at -> Nullable<Timestamp>,
        accepted_by -> Nullable<Text>,
        heard_at -> Nullable<Timestamp>,
        heard_by -> Nullable<Text>,
        hearing -> Text,
        decided_at -> Nullable<Timestamp>,
        decision_reason -> Nullable<Text>,
        points_added -> Nullable<BigInt>,
        spendable_added -> Nullable<BigInt>,
        correction_number -> Nullable<BigInt>,
    }
}

diesel::table! {
    appeal_panellists (appeal_id, position) {
        appeal_id -> Text,
        position -> BigInt,
        user_id -> Nullable<Text>,
        member_id -> Nullable<Text>,
        name -> Text,
        opinion -> Nullable<Text>,
        reason -> Nullable<Text>,
        given_at -> Nullable<Timestamp>,
        keyed_by -> Nullable<Text>,
    }
}

diesel::table! {
    award_corrections (id) {
        id -> Text,
        nomination_id -> Text,
        reason -> Text,
        state -> Text,
        proposed_at -> Timestamp,
        proposed_by -> Text,
        decided_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Text>,
        decision_reason -> Nullable<Text>,
        written_off -> Nullable<BigInt>,
        reversal_number -> Nullable<BigInt>,
    }
}

diesel::allow_columns_to_appear_in_same_group_by_clause!(accounts::owner, entries::expires_on);
diesel::table! {
    reminder_notes (id) {
        id -> Text,
        code -> Text,
        household_id -> Text,
        scheme_version_id -> Text,
        rule_code -> Text,
        points_at_stake -> BigInt,
        seen -> Text,
        place -> Text,
        seen_on -> Date,
        fix_by -> Date,
        lapses_on -> Date,
        state -> Text,
        issued_by -> Text,
        issued_at -> Timestamp,
        acknowledged_by -> Nullable<Text>,
        acknowledged_at -> Nullable<Timestamp>,
        acknowledged_how -> Nullable<Text>,
        unfixed_by -> Nullable<Text>,
        unfixed_at -> Nullable<Timestamp>,
        unfixed_note -> Nullable<Text>,
        told_how -> Nullable<Text>,
        objections_until -> Nullable<Date>,
        points_taken -> Nullable<BigInt>,
        reduced_on -> Nullable<Date>,
        reduction_number -> Nullable<BigInt>,
        repair_on -> Nullable<Date>,
        repair_number -> Nullable<BigInt>,
        closed_by -> Nullable<Text>,
        closed_at -> Nullable<Timestamp>,
        closing_reason -> Nullable<Text>,
    }
}

diesel::table! {
    reminder_objections (reminder_id) {
        reminder_id -> Text,
        reason -> Text,
        filed_how -> Text,
        filed_by -> Text,
        filed_at -> Timestamp,
        decide_by -> Date,
        outcome -> Nullable<Text>,
        decision_reason -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    visit_sheets (id) {
        id -> Text,
        code -> Text,
        building_id -> Text,
        visited_on -> Date,
        scheme_version_id -> Text,
        state -> Text,
        made_by -> Text,
        made_at -> Timestamp,
        closed_by -> Nullable<Text>,
        closed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    visit_judges (sheet_id, position) {
        sheet_id -> Text,
        position -> BigInt,
        name -> Text,
        user_id -> Nullable<Text>,
        household_id -> Nullable<Text>,
    }
}

diesel::table! {
    visit_rows (sheet_id, position) {
        sheet_id -> Text,
        position -> BigInt,
        household_id -> Text,
        entry -> Text,
        outcome -> Nullable<Text>,
        outcome_note -> Nullable<Text>,
        nomination_id -> Nullable<Text>,
    }
}

diesel::table! {
    visit_marks (sheet_id, row_position, judge_position) {
        sheet_id -> Text,
        row_position -> BigInt,
        judge_position -> BigInt,
        mark -> BigInt,
        reason -> Nullable<Text>,
        marked_by -> Text,
        marked_at -> Timestamp,
    }
}

diesel::table! {
    evidence (id) {
        id -> Text,
        nomination_id -> Text,
        file -> Text,
        width -> BigInt,
        height -> BigInt,
        bytes -> BigInt,
        added_by -> Nullable<Text>,
        added_at -> Timestamp,
        deleted_on -> Nullable<Date>,
    }
}

diesel::table! {
    gatherings (id) {
        id -> Text,
        number -> BigInt,
        area_id -> Text,
        name -> Text,
        place -> Text,
        held_on -> Date,
        scoring_item_id -> Text,
        count -> BigInt,
        opened_by -> Text,
        opened_at -> Timestamp,
        closed_by -> Nullable<Text>,
        closed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    gathering_rows (gathering_id, row_number) {
        gathering_id -> Text,
        row_number -> BigInt,
        household_id -> Text,
        signed_at -> Nullable<Timestamp>,
        signed_by -> Nullable<Text>,
        manner -> Nullable<Text>,
        nomination_id -> Nullable<Text>,
        refusal -> Nullable<Text>,
    }
}

diesel::table! {
    goods_prices (goods_id, number) {
        goods_id -> Text,
        number -> BigInt,
        price_points -> BigInt,
        valid_from -> Nullable<Timestamp>,
        set_by -> Nullable<Text>,
        reason -> Text,
    }
}

diesel::table! {
    donors (id) {
        id -> Text,
        name -> Text,
        is_named -> Bool,
        registered_by -> Text,
        registered_at -> Timestamp,
    }
}

diesel::table! {
    stock_receipts (number) {
        number -> BigInt,
        store_id -> Text,
        kind -> Text,
        received_on -> Date,
        donor_id -> Nullable<Text>,
        declared_fen -> Nullable<BigInt>,
        intent -> Text,
        from_store_id -> Nullable<Text>,
        note -> Text,
        recorded_by -> Text,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    stock_receipt_lines (receipt_number, position) {
        receipt_number -> BigInt,
        position -> BigInt,
        lot_number -> BigInt,
        quantity -> BigInt,
        from_lot_number -> Nullable<BigInt>,
    }
}

diesel::table! {
    write_offs (id) {
        id -> Text,
        store_id -> Text,
        reason -> Text,
        note -> Text,
        state -> Text,
        proposed_by -> Text,
        proposed_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        decision_note -> Text,
    }
}

diesel::table! {
    write_off_lines (write_off_id, lot_number) {
        write_off_id -> Text,
        lot_number -> BigInt,
        quantity -> BigInt,
    }
}

diesel::table! {
    stocktakes (id) {
        id -> Text,
        store_id -> Text,
        category -> Nullable<Text>,
        state -> Text,
        opened_by -> Text,
        opened_at -> Timestamp,
        closed_by -> Nullable<Text>,
        closed_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        decision_note -> Text,
    }
}

diesel::table! {
    stocktake_counts (stocktake_id, goods_id, number) {
        stocktake_id -> Text,
        goods_id -> Text,
        number -> BigInt,
        counted -> BigInt,
        book -> BigInt,
        counted_by -> Text,
        counted_at -> Timestamp,
    }
}

diesel::table! {
    stocktake_reasons (stocktake_id, goods_id) {
        stocktake_id -> Text,
        goods_id -> Text,
        reason -> Text,
        note -> Text,
    }
}

diesel::table! {
    stocktake_postings (stocktake_id, lot_number) {
        stocktake_id -> Text,
        lot_number -> BigInt,
        quantity -> BigInt,
    }
}

diesel::table! {
    wishes (id) {
        id -> Text,
        name -> Text,
        note -> Text,
        state -> Text,
        voices_at_end -> Nullable<BigInt>,
        answer -> Text,
        recorded_by -> Text,
        recorded_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    wish_voices (household_id) {
        household_id -> Text,
        wish_id -> Text,
        recorded_by -> Nullable<Text>,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    tills (id) {
        id -> Text,
        store_id -> Text,
        name -> Text,
        withdrawn_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    shifts (id) {
        id -> Text,
        number -> BigInt,
        till_id -> Text,
        store_id -> Text,
        opened_by -> Text,
        opened_at -> Timestamp,
        override_reason -> Nullable<Text>,
        closed_by -> Nullable<Text>,
        closed_at -> Nullable<Timestamp>,
        takeover_reason -> Nullable<Text>,
        slips_counted -> Nullable<BigInt>,
        closing_note -> Nullable<Text>,
        audited_by -> Nullable<Text>,
        audited_at -> Nullable<Timestamp>,
        audit_note -> Nullable<Text>,
    }
}

diesel::table! {
    shift_counts (shift_id, goods_id) {
        shift_id -> Text,
        goods_id -> Text,
        expected -> BigInt,
        counted -> BigInt,
    }
}

diesel::table! {
    held_baskets (id) {
        id -> Text,
        shift_id -> Text,
        card_number -> Nullable<Text>,
        lines -> Text,
        held_at -> Timestamp,
    }
}

diesel::table! {
    counter_rules (number) {
        number -> BigInt,
        return_days -> BigInt,
        confirm_from -> Nullable<BigInt>,
        reason -> Text,
        set_by -> Text,
        set_at -> Timestamp,
        offline_points -> BigInt,
    }
}

diesel::table! {
    category_limits (rules_number, category, people_from) {
        rules_number -> BigInt,
        category -> Text,
        people_from -> BigInt,
        most -> BigInt,
    }
}

diesel::table! {
    opening_patterns (store_id, version) {
        store_id -> Text,
        version -> BigInt,
        weekdays -> Text,
        month_days -> Text,
        set_by -> Text,
        set_at -> Timestamp,
    }
}

diesel::table! {
    special_days (store_id, day) {
        store_id -> Text,
        day -> Date,
        is_open -> Bool,
        reason -> Text,
        set_by -> Text,
        set_at -> Timestamp,
    }
}

diesel::table! {
    refunds (id) {
        id -> Text,
        redemption_id -> Text,
        reason -> Text,
        points -> BigInt,
        transaction_number -> BigInt,
        shift_id -> Text,
        refunded_by -> Text,
        refunded_at -> Timestamp,
    }
}

diesel::table! {
    refund_lines (refund_id, position) {
        refund_id -> Text,
        position -> BigInt,
        quantity -> BigInt,
    }
}

diesel::table! {
    pickup_proxies (id) {
        id -> Text,
        household_id -> Text,
        name -> Text,
        relation -> Text,
        until_on -> Nullable<Date>,
        registered_by -> Text,
        registered_at -> Timestamp,
        ended_by -> Nullable<Text>,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    proxy_pickups (redemption_id) {
        redemption_id -> Text,
        proxy_id -> Nullable<Text>,
        person -> Text,
    }
}

diesel::table! {
    deliveries (redemption_id) {
        redemption_id -> Text,
        state -> Text,
        note -> Text,
        ordered_at -> Timestamp,
        packed_by -> Nullable<Text>,
        packed_at -> Nullable<Timestamp>,
        ended_by -> Nullable<Text>,
        ended_at -> Nullable<Timestamp>,
        ended_note -> Nullable<Text>,
    }
}

diesel::table! {
    household_pins (household_id) {
        household_id -> Text,
        hash -> Text,
        set_by -> Text,
        set_at -> Timestamp,
    }
}

diesel::table! {
    holds (number) {
        number -> BigInt,
        holder -> Text,
        points_each -> BigInt,
        taken_at -> Timestamp,
        until_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    held_points (id) {
        id -> BigInt,
        hold_number -> BigInt,
        owner -> Text,
        points -> BigInt,
        used -> BigInt,
        recalled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    till_holds (hold_number) {
        hold_number -> BigInt,
        till_id -> Text,
        shift_id -> Text,
        device -> Text,
        salt -> Text,
        sell_until -> Timestamp,
        until_at -> Timestamp,
        seen_at -> Timestamp,
        waiting -> BigInt,
    }
}

diesel::table! {
    held_goods (id) {
        id -> BigInt,
        hold_number -> BigInt,
        goods_id -> Text,
        units -> BigInt,
        used -> BigInt,
        recalled_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    offline_sales (redemption_id) {
        redemption_id -> Text,
        slip -> Text,
        sold_at -> Timestamp,
        over_limit -> Bool,
    }
}

diesel::table! {
    refused_tries (key_digest) {
        key_digest -> Text,
        refused_at -> Timestamp,
    }
}

diesel::table! {
    offline_conflicts (number) {
        number -> BigInt,
        key_digest -> Text,
        shift_id -> Text,
        slip -> Text,
        card_number -> Text,
        household_id -> Nullable<Text>,
        lines -> Text,
        points -> BigInt,
        sold_at -> Timestamp,
        received_at -> Timestamp,
        received_by -> Text,
        code -> Text,
        reason -> Text,
        outcome -> Nullable<Text>,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        note -> Nullable<Text>,
        redemption_id -> Nullable<Text>,
    }
}

diesel::table! {
    partner_agreements (store_id, number) {
        store_id -> Text,
        number -> BigInt,
        merchant -> Text,
        from_on -> Date,
        until_on -> Date,
        daily_limit -> BigInt,
        recorded_by -> Text,
        recorded_at -> Timestamp,
    }
}

diesel::table! {
    partner_prices (store_id, goods_id, number) {
        store_id -> Text,
        goods_id -> Text,
        number -> BigInt,
        price_points -> BigInt,
        settlement_fen -> BigInt,
        is_offered -> Bool,
        set_by -> Text,
        set_at -> Timestamp,
    }
}

diesel::table! {
    partner_sales (redemption_id, position) {
        redemption_id -> Text,
        position -> BigInt,
        settlement_fen -> BigInt,
    }
}

diesel::table! {
    cash_top_ups (redemption_id) {
        redemption_id -> Text,
        points -> BigInt,
        cash_fen -> BigInt,
    }
}

diesel::table! {
    settlements (number) {
        number -> BigInt,
        store_id -> Text,
        month -> Date,
        state -> Text,
        made_by -> Text,
        made_at -> Timestamp,
        confirmed_by -> Nullable<Text>,
        confirmed_at -> Nullable<Timestamp>,
        paid_on -> Nullable<Date>,
        paid_reference -> Nullable<Text>,
        paid_by -> Nullable<Text>,
        paid_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    settlement_lines (settlement_number, position) {
        settlement_number -> BigInt,
        position -> BigInt,
        kind -> Text,
        redemption_id -> Text,
        transaction_number -> Nullable<BigInt>,
        adjusts -> Nullable<BigInt>,
        on_day -> Date,
        points -> BigInt,
        cash_fen -> BigInt,
        amount_fen -> BigInt,
    }
}

diesel::table! {
    settlement_disputes (settlement_number, position) {
        settlement_number -> BigInt,
        position -> BigInt,
        reason -> Text,
        state -> Text,
        raised_by -> Text,
        raised_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        decision_note -> Text,
    }
}

diesel::table! {
    print_jobs (id) {
        id -> Text,
        kind -> Text,
        asked -> Text,
        state -> Text,
        asked_by -> Text,
        asked_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        problem -> Text,
    }
}

diesel::table! {
    print_parts (job_id, position) {
        job_id -> Text,
        position -> BigInt,
        name -> Text,
        households -> Text,
        papers -> BigInt,
        done_at -> Nullable<Timestamp>,
        problems -> Text,
        printed -> BigInt,
    }
}

diesel::table! {
    household_lookups (household_id, user_id, day, door) {
        household_id -> Text,
        user_id -> Text,
        day -> Date,
        door -> Text,
        first_at -> Timestamp,
    }
}

diesel::table! {
    dividends (id) {
        id -> Text,
        number -> BigInt,
        title -> Text,
        area_id -> Text,
        pool -> BigInt,
        scored_on -> Date,
        from_honour -> BigInt,
        body -> Text,
        held_on -> Date,
        place -> Text,
        entitled -> BigInt,
        present -> BigInt,
        votes_for -> BigInt,
        votes_against -> BigInt,
        votes_abstained -> BigInt,
        recorded_by -> Text,
        recorded_at -> Timestamp,
        scheme_version_id -> Nullable<Text>,
        most_honour_counted -> Nullable<BigInt>,
        equal_part_percent -> BigInt,
    }
}

diesel::table! {
    dividend_shares (dividend_id, household_id) {
        dividend_id -> Text,
        household_id -> Text,
        honour -> BigInt,
        amount -> BigInt,
    }
}

diesel::table! {
    dividend_annulments (dividend_id) {
        dividend_id -> Text,
        reason -> Text,
        annulled_by -> Text,
        annulled_at -> Timestamp,
    }
}

diesel::table! {
    honour_titles (id) {
        id -> Text,
        name -> Text,
        category_code -> Nullable<Text>,
        purpose -> Text,
        eligibility -> Text,
        quota_scope -> Text,
        quota_percent -> Nullable<BigInt>,
        quota_count -> Nullable<BigInt>,
        period -> Text,
        reward_points -> BigInt,
        term_months -> BigInt,
        has_plaque -> Bool,
        defined_at -> Timestamp,
        defined_by -> Text,
        retired_at -> Nullable<Timestamp>,
        retired_by -> Nullable<Text>,
    }
}

diesel::table! {
    title_notices (id) {
        id -> Text,
        number -> BigInt,
        session_id -> Text,
        area_id -> Text,
        published_at -> Timestamp,
        published_by -> Text,
        ends_at -> Timestamp,
        taken_down_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    title_awards (id) {
        id -> Text,
        title_id -> Text,
        household_id -> Text,
        scope_id -> Text,
        period_from -> Date,
        reason -> Text,
        state -> Text,
        nominated_by -> Text,
        nominated_at -> Timestamp,
        verified_by -> Nullable<Text>,
        verified_at -> Nullable<Timestamp>,
        round -> BigInt,
        session_id -> Nullable<Text>,
        notice_id -> Nullable<Text>,
        notice_row -> Nullable<BigInt>,
        conferred_at -> Nullable<Timestamp>,
        term_ends_on -> Nullable<Date>,
        transaction_number -> Nullable<BigInt>,
        reversal_number -> Nullable<BigInt>,
        ended_at -> Nullable<Timestamp>,
        ending_reason -> Nullable<Text>,
        ending -> Nullable<Text>,
    }
}

diesel::table! {
    title_ballots (id) {
        id -> Text,
        award_id -> Text,
        session_id -> Text,
        round -> BigInt,
        voters -> BigInt,
        votes_for -> BigInt,
        votes_against -> BigInt,
        abstentions -> BigInt,
        counted_by -> Text,
        counted_at -> Timestamp,
        confirmed_by -> Nullable<Text>,
        confirmed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    title_ballot_voters (ballot_id, member_id) {
        ballot_id -> Text,
        member_id -> Text,
    }
}

diesel::table! {
    title_objections (id) {
        id -> Text,
        receipt -> Text,
        award_id -> Text,
        reason -> Text,
        objector_name -> Text,
        objector_contact -> Text,
        filed_at -> Timestamp,
        decide_by -> Timestamp,
        state -> Text,
        decided_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Text>,
        decision_reason -> Nullable<Text>,
        channel -> Text,
        taken_by -> Nullable<Text>,
    }
}

diesel::table! {
    title_appeals (id) {
        id -> Text,
        receipt -> Text,
        award_id -> Text,
        kind -> Text,
        reason -> Text,
        contact -> Text,
        filed_at -> Timestamp,
        decide_by -> Timestamp,
        state -> Text,
        decided_at -> Nullable<Timestamp>,
        decision_reason -> Nullable<Text>,
        taken_by -> Nullable<Text>,
    }
}

diesel::table! {
    title_panellists (appeal_id, user_id) {
        appeal_id -> Text,
        user_id -> Text,
        opinion -> Nullable<Text>,
        reason -> Nullable<Text>,
        given_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    honour_stars (id) {
        id -> Text,
        name -> Text,
        criterion -> Text,
        defined_at -> Timestamp,
        defined_by -> Text,
        retired_at -> Nullable<Timestamp>,
        retired_by -> Nullable<Text>,
    }
}

diesel::table! {
    star_awards (id) {
        id -> Text,
        star_id -> Text,
        household_id -> Text,
        session_id -> Text,
        given_on -> Date,
        until_on -> Date,
        recorded_at -> Timestamp,
        recorded_by -> Text,
        entry_id -> Nullable<Text>,
    }
}

diesel::table! {
    star_entries (id) {
        id -> Text,
        star_id -> Text,
        session_id -> Text,
        until_on -> Date,
        state -> Text,
        keyed_at -> Timestamp,
        keyed_by -> Text,
        decided_at -> Nullable<Timestamp>,
        decided_by -> Nullable<Text>,
        refusal -> Nullable<Text>,
    }
}

diesel::table! {
    star_entry_households (entry_id, household_id) {
        entry_id -> Text,
        household_id -> Text,
        position -> BigInt,
    }
}

diesel::table! {
    resident_tries (card_number) {
        card_number -> Text,
        tries -> BigInt,
        last_at -> Timestamp,
    }
}

diesel::table! {
    resident_sessions (digest) {
        digest -> Text,
        household_id -> Text,
        card_id -> Text,
        pin_mark -> Text,
        started_at -> Timestamp,
        seen_at -> Timestamp,
    }
}

diesel::table! {
    resident_requests (id) {
        id -> Text,
        household_id -> Text,
        kind -> Text,
        note -> Text,
        asked_at -> Timestamp,
        due_on -> Date,
        answer -> Nullable<Text>,
        answered_by -> Nullable<Text>,
        answered_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    book_checks (household_id, quarter_from) {
        household_id -> Text,
        quarter_from -> Date,
        balance -> BigInt,
        checked_at -> Timestamp,
        taken_by -> Nullable<Text>,
    }
}

diesel::table! {
    filed_confirmations (household_id, quarter_from) {
        household_id -> Text,
        quarter_from -> Date,
        taken_by -> Nullable<Text>,
        nomination_id -> Nullable<Text>,
        refusal -> Nullable<Text>,
        filed_by -> Text,
        filed_at -> Timestamp,
    }
}

diesel::table! {
    household_deletions (id) {
        id -> Text,
        household_id -> Text,
        basis -> Text,
        state -> Text,
        proposed_by -> Text,
        proposed_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    feedback_counts (area_id, service, quarter_from, stars) {
        area_id -> Text,
        service -> Text,
        quarter_from -> Date,
        stars -> BigInt,
        answers -> BigInt,
    }
}

diesel::table! {
    feedback_sentences (id) {
        id -> Text,
        area_id -> Text,
        service -> Text,
        quarter_from -> Date,
        sentence -> Text,
    }
}

diesel::table! {
    feedback_marks (digest) {
        digest -> Text,
        quarter_from -> Date,
    }
}

diesel::table! {
    volunteer_events (id) {
        id -> Text,
        number -> BigInt,
        area_id -> Text,
        name -> Text,
        place -> Text,
        purpose -> Text,
        held_on -> Date,
        from_minute -> BigInt,
        until_minute -> BigInt,
        wanted -> BigInt,
        led_by -> Text,
        scoring_item_id -> Nullable<Text>,
        announced_by -> Text,
        announced_at -> Timestamp,
        state -> Text,
        ended_by -> Nullable<Text>,
        ended_at -> Nullable<Timestamp>,
        ending_reason -> Nullable<Text>,
    }
}

diesel::table! {
    volunteer_stays (event_id, household_id) {
        event_id -> Text,
        household_id -> Text,
        people -> BigInt,
        arrived_at -> Timestamp,
        left_at -> Nullable<Timestamp>,
        manner -> Text,
        recorded_by -> Text,
        recorded_at -> Timestamp,
        minutes -> Nullable<BigInt>,
        transaction_number -> Nullable<BigInt>,
        nomination_id -> Nullable<Text>,
        refusal -> Nullable<Text>,
    }
}

diesel::table! {
    time_helps (id) {
        id -> Text,
        number -> BigInt,
        helper_household_id -> Text,
        helped_household_id -> Text,
        what -> Text,
        helped_on -> Date,
        minutes -> BigInt,
        payer -> Text,
        reason -> Nullable<Text>,
        recorded_by -> Text,
        recorded_at -> Timestamp,
        transaction_number -> BigInt,
    }
}

diesel::table! {
    time_corrections (transaction_number) {
        transaction_number -> BigInt,
        reversal_number -> BigInt,
        reason -> Text,
        corrected_by -> Text,
        corrected_at -> Timestamp,
    }
}

diesel::table! {
    time_pool_limits (id) {
        id -> Text,
        minutes -> BigInt,
        reason -> Text,
        set_by -> Text,
        set_at -> Timestamp,
    }
}

diesel::table! {
    board_pictures (id) {
        id -> Text,
        household_id -> Text,
        nomination_id -> Nullable<Text>,
        award_id -> Nullable<Text>,
        file -> Text,
        width -> BigInt,
        height -> BigInt,
        words -> Text,
        guardian_agreed_on -> Nullable<Date>,
        state -> Text,
        added_by -> Text,
        added_at -> Timestamp,
        decided_by -> Nullable<Text>,
        decided_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        ending_reason -> Nullable<Text>,
    }
}

diesel::joinable!(print_parts -> print_jobs (job_id));
diesel::joinable!(held_points -> holds (hold_number));
diesel::joinable!(held_goods -> holds (hold_number));
diesel::joinable!(till_holds -> holds (hold_number));
diesel::joinable!(evidence -> nominations (nomination_id));
diesel::joinable!(gathering_rows -> gatherings (gathering_id));
diesel::joinable!(scheme_override_confirmations -> scheme_overrides (override_id));
diesel::joinable!(nominations -> scoring_items (scoring_item_id));
diesel::joinable!(objections -> nominations (nomination_id));
diesel::joinable!(appeals -> nominations (nomination_id));
diesel::joinable!(award_corrections -> nominations (nomination_id));
diesel::joinable!(motion_rows -> motions (motion_id));
diesel::joinable!(redemption_lines -> redemptions (redemption_id));
diesel::joinable!(redemption_lines -> goods_items (goods_id));
diesel::joinable!(redemption_voids -> redemptions (redemption_id));
diesel::joinable!(refunds -> redemptions (redemption_id));
diesel::joinable!(refund_lines -> refunds (refund_id));
diesel::joinable!(deliveries -> redemptions (redemption_id));
diesel::joinable!(reminder_objections -> reminder_notes (reminder_id));
diesel::joinable!(stock_movements -> stock_lots (lot_number));
diesel::joinable!(stock_lots -> goods_items (goods_id));
diesel::joinable!(stock_receipt_lines -> stock_receipts (receipt_number));
diesel::joinable!(write_off_lines -> write_offs (write_off_id));
diesel::joinable!(wish_voices -> wishes (wish_id));
diesel::joinable!(title_awards -> title_notices (notice_id));
diesel::joinable!(title_ballot_voters -> title_ballots (ballot_id));
diesel::joinable!(title_ballots -> title_awards (award_id));
diesel::joinable!(title_objections -> title_awards (award_id));
diesel::joinable!(title_appeals -> title_awards (award_id));
diesel::joinable!(volunteer_stays -> volunteer_events (event_id));

diesel::allow_tables_to_appear_in_same_query!(
    audit_events,
    requests,
    accounts,
    transactions,
    entries,
    holds,
    held_points,
    expiry_runs,
    programmes,
    areas,
    households,
    household_events,
    household_residences,
    household_consents,
    consent_forms,
    area_moves,
    users,
    user_roles,
    sessions,
    api_tokens,
    scheme_versions,
    evaluation_categories,
    scoring_items,
    scheme_drafts,
    scheme_overrides,
    scheme_override_confirmations,
    scheme_resolutions,
    scheme_suspensions,
    cards,
    nominations,
    council_members,
    kin_declarations,
    council_sessions,
    attendances,
    motions,
    motion_recusals,
    ballots,
    tallies,
    public_notices,
    issuance_budgets,
    clockwork,
    motion_rows,
    objections,
    appeals,
    appeal_panellists,
    award_corrections,
    points_stores,
    goods_items,
    stock_lots,
    redemptions,
    redemption_lines,
    redemption_voids,
    stock_movements,
    goods_prices,
    donors,
    stock_receipts,
    stock_receipt_lines,
    write_offs,
    write_off_lines,
    stocktakes,
    stocktake_counts,
    stocktake_reasons,
    stocktake_postings,
    wishes,
    wish_voices,
    reminder_notes,
    reminder_objections,
    visit_sheets,
    visit_judges,
    visit_rows,
    visit_marks,
    evidence,
    gatherings,
    gathering_rows,
    tills,
    shifts,
    shift_counts,
    held_baskets,
    till_holds,
    held_goods,
    offline_sales,
    offline_conflicts,
    refused_tries,
    counter_rules,
    category_limits,
    opening_patterns,
    special_days,
    refunds,
    refund_lines,
    pickup_proxies,
    proxy_pickups,
    deliveries,
    household_pins,
    partner_agreements,
    partner_prices,
    partner_sales,
    cash_top_ups,
    settlements,
    settlement_lines,
    settlement_disputes,
    print_jobs,
    print_parts,
    household_lookups,
    dividends,
    dividend_shares,
    dividend_annulments,
    honour_titles,
    title_notices,
    title_awards,
    title_ballots,
    title_ballot_voters,
    title_objections,
    title_appeals,
    title_panellists,
    honour_stars,
    star_awards,
    star_entries,
    star_entry_households,
    resident_tries,
    resident_sessions,
    resident_requests,
    book_checks,
    household_deletions,
    feedback_counts,
    feedback_sentences,
    feedback_marks,
    volunteer_events,
    volunteer_stays,
    time_helps,
    time_corrections,
    time_pool_limits,
);
