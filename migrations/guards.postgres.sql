-- Made anew after every migration run. The program never changes these rows; without the privilege nobody does by mistake,
-- and not the program's own user either. A superuser can: let the server run as an ordinary user.
-- Privileges, not triggers, because a distributed PostgreSQL refuses triggers. A foreign key locks the row it points to,
-- which asks for the right to update at least one column: the key, which the foreign key itself holds in place.
REVOKE UPDATE, DELETE, TRUNCATE ON audit_events FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON requests FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON transactions FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON entries FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON expiry_runs FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON household_events FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON household_residences FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON household_consents FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON area_moves FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON scheme_versions FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON evaluation_categories FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON scoring_items FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON redemptions FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON redemption_lines FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON redemption_voids FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON stock_movements FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON attendances FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON ballots FROM CURRENT_USER;
REVOKE UPDATE, DELETE, TRUNCATE ON issuance_budgets FROM CURRENT_USER;
GRANT UPDATE (number) ON transactions TO CURRENT_USER;
GRANT UPDATE (id) ON redemptions TO CURRENT_USER;
GRANT UPDATE (id) ON scheme_versions TO CURRENT_USER;
GRANT UPDATE (code) ON evaluation_categories TO CURRENT_USER;
GRANT UPDATE (id) ON scoring_items TO CURRENT_USER;
